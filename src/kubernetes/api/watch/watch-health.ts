// The health of an informer’s watch: when the server last sent anything, and for how long no watch was open.
// Times are monotonic milliseconds: a clock step does not look like an outage.

/** Readings over all watches of one resource: times and opened watches of the worst one, failures of all together. */
export interface WatchReadings {
  watches: number;
  lastEventAgeMs: number;
  blindMs: number;
  parseErrors: number;
  handlerErrors: number;
}

export class WatchHealth implements WatchReadings {
  readonly #now: () => number;
  #lastEventAt: number;
  #blindSince: number | undefined;
  #openSince = Infinity;
  #blindMs = 0;
  /** Calls of handlers that threw; the handler still gets the next change. */
  handlerErrors = 0;
  /** Events that were not JSON. */
  parseErrors = 0;
  /** Lists taken, the first included. */
  lists = 0;
  /** Watches opened. */
  watches = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#lastEventAt = now();
    this.#blindSince = now();
  }

  /** Milliseconds since the server last sent an event, a bookmark or a list. */
  get lastEventAgeMs(): number {
    return this.#now() - this.#lastEventAt;
  }

  /** Total milliseconds without an open watch, the current gap included. */
  get blindMs(): number {
    return this.#blindMs + (this.#blindSince === undefined ? 0 : this.#now() - this.#blindSince);
  }

  /** A list arrived. */
  listed(): void {
    this.lists++;
    this.received();
  }

  /** The server sent something. */
  received(): void {
    this.#lastEventAt = this.#now();
  }

  /** The server has accepted a watch. */
  watchOpened(): void {
    this.watches++;
    this.#blindMs = this.blindMs;
    this.#blindSince = undefined;
    this.#openSince = this.#now();
    this.received();
  }

  /** The watch ended after `silentMs` without an event. Returns for how many milliseconds it had worked. */
  watchEnded(silentMs: number): number {
    this.#blindSince ??= this.#now() - silentMs;
    const workedMs = Math.max(0, this.#blindSince - this.#openSince);
    this.#openSince = Infinity;
    return workedMs;
  }
}
