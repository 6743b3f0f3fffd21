// The runs that a controller claims over one connection: those of its `recover`, and those that it has started since.

export class Claims {
  readonly #names = new Set<string>();
  readonly #nonces: Map<string, string>;

  /** `nonces`: of each run that the runner holds, by name; the connections share it. */
  constructor(nonces: Map<string, string>) {
    this.#nonces = nonces;
  }

  /** Returns false if the runner holds another run of this name, such as of an LshJob that was deleted and created again. */
  take(name: string, nonce: string): boolean {
    const held = this.#nonces.get(name) ?? nonce;
    if (held !== nonce) return false;
    this.#nonces.set(name, nonce);
    this.#names.add(name);
    return true;
  }

  /** The nonce of a claimed run; undefined for any other. */
  nonceOf(name: string): string | undefined {
    return this.#names.has(name) ? this.#nonces.get(name) : undefined;
  }

  /** The runner no longer holds the run. */
  forget(name: string): void {
    this.#names.delete(name);
    this.#nonces.delete(name);
  }
}
