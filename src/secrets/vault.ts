// One environment in a store: reads its newest version and proves that it follows the ones before, and appends the next.
import type { AuditAction, AuditEntry, EnvironmentRef, SecretStore } from '../contracts/secret-store.ts';
import { LshError } from '../core/errors.ts';
import { merge } from './env-file/changes.ts';
import { EnvFile } from './env-file/env-file.ts';
import { provesToFollow, type NamedRecipient } from './envelope/content.ts';
import { open, seal, type OpenedVersion } from './envelope/envelope.ts';

export interface VaultSettings {
  store: SecretStore;
  ref: EnvironmentRef;
  identities: readonly string[];
  /** The newest version that this machine has seen. Undefined for a store in a repository: there, git has older ones. */
  newestSeen?: { version: number; hash: string } | undefined;
  /** USER@HOST. */
  author: string;
  origin: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The newest state of an environment: one version, or two that agree on no common successor yet. */
export interface Head {
  /** Newest first. */
  versions: readonly OpenedVersion[];
  /** Of two versions, their merge. */
  file: EnvFile;
  recipients: readonly NamedRecipient[];
}

export interface NextVersion {
  parents: readonly OpenedVersion[];
  text: string;
  recipients: readonly NamedRecipient[];
  action: AuditAction;
  /** For the audit; names no keys. */
  detail?: string | undefined;
}

export class Vault {
  readonly ref: EnvironmentRef;
  readonly #settings: VaultSettings;

  constructor(settings: VaultSettings) {
    this.ref = settings.ref;
    this.#settings = settings;
  }

  /**
   * The newest state; undefined if nothing was stored yet. `decided` stands for two versions that clash. Throws what open()
   * throws, SECRETS_REPLAYED, SECRETS_VERSION_MISSING, SECRETS_HEADS_CLASH.
   */
  async head(decided?: EnvFile): Promise<Head | undefined> {
    const versions = await this.heads();
    const [first, second] = versions;
    if (first === undefined) return undefined;
    if (second === undefined)
      return { versions, file: new EnvFile(first.text), recipients: first.recipients };
    const merged = await this.#merged(first, second);
    const recipients = commonRecipients(first, second);
    if ('file' in merged) return { versions, file: merged.file, recipients };
    if (decided === undefined)
      throw new LshError(
        'SECRETS_HEADS_CLASH',
        { environment: this.ref.environment, version: first.version },
        { problems: merged.clashes.map((path) => ({ path, message: 'has two new values' })) },
      );
    return { versions, file: decided, recipients };
  }

  /** Every head, opened and proven, newest first. */
  async heads(): Promise<OpenedVersion[]> {
    const { store, newestSeen } = this.#settings;
    const stored = await store.heads(this.ref);
    const versions = await Promise.all(stored.map((each) => this.#open(each)));
    const newest = Math.max(0, ...versions.map(({ version }) => version));
    const { environment } = this.ref;
    if (newestSeen !== undefined && newest < newestSeen.version)
      throw new LshError('SECRETS_REPLAYED', { environment, version: newest, seen: newestSeen.version });
    let isSeenFound = newestSeen === undefined;
    for (const head of versions)
      for await (const { hash, parents } of this.lineOf(head)) {
        // A version names its parents, also those from before the day on which the key of this machine was added.
        isSeenFound ||= [hash, ...parents].includes(newestSeen?.hash ?? '');
        if (hash === newestSeen?.hash) break;
      }
    if (!isSeenFound)
      throw this.#tampered(
        newest,
        `version ${newestSeen?.version}, which this machine has seen, is not among its ancestors`,
      );
    return versions;
  }

  /**
   * The version and its ancestors, newest first, each proven by the one after it. Ends at the first version, or at one that
   * no key of this machine opens: a new teammate opens none from before the day of joining. Leads on only from versions that
   * `goesOn` accepts.
   */
  async *lineOf(
    head: OpenedVersion,
    goesOn: (version: OpenedVersion) => boolean = () => true,
  ): AsyncGenerator<OpenedVersion> {
    const waiting = [head];
    const known = new Set([head.hash]);
    for (let version = waiting.shift(); version; version = waiting.shift()) {
      yield version;
      if (!goesOn(version)) continue;
      for (const hash of version.parents) {
        if (known.has(hash)) continue;
        known.add(hash);
        const parent = await this.#parentOf(version, hash);
        if (parent !== undefined) waiting.push(parent);
      }
      waiting.sort((a, b) => b.version - a.version);
    }
  }

  async #parentOf(version: OpenedVersion, hash: string): Promise<OpenedVersion | undefined> {
    const { environment } = this.ref;
    const stored = await this.#settings.store.version(this.ref, hash);
    if (stored === undefined || stored.hash !== hash)
      throw new LshError('SECRETS_VERSION_MISSING', {
        environment,
        version: version.version,
        parent: hash.slice(0, 12),
      });
    const parent = await this.#open(stored).catch((error: unknown) => {
      if (error instanceof LshError && error.code === 'SECRETS_KEY_MISMATCH') return undefined;
      throw error;
    });
    if (parent !== undefined && !provesToFollow(version, parent))
      throw this.#tampered(version.version, `its author could not open version ${parent.version} before it`);
    return parent;
  }

  /** The ancestor of the head with this number. Throws SECRETS_VERSION_UNKNOWN. */
  async version(number: number): Promise<OpenedVersion> {
    for (const head of await this.heads())
      for await (const version of this.lineOf(head)) if (version.version === number) return version;
    throw new LshError('SECRETS_VERSION_UNKNOWN', { environment: this.ref.environment, version: number });
  }

  /** The ancestor with this hash; undefined if there is none. */
  async ancestor(of: readonly OpenedVersion[], hash: string): Promise<OpenedVersion | undefined> {
    for (const head of of)
      for await (const version of this.lineOf(head)) if (version.hash === hash) return version;
    return undefined;
  }

  /** Appends a version after the parents. Undefined if another writer was faster. */
  async append({
    parents,
    text,
    recipients,
    action,
    detail,
  }: NextVersion): Promise<OpenedVersion | undefined> {
    const { store, author, origin, now } = this.#settings;
    const createdAt = now();
    const { stored, opened } = await seal(
      { ...this.ref, author, createdAt, recipients, text },
      parents,
      origin,
    );
    const entry = this.#entry(action, opened, detail, createdAt);
    return (await store.append(this.ref, stored, entry)) === 'appended' ? opened : undefined;
  }

  /** Adds an entry to the audit for an action that makes no version. */
  async record(
    action: AuditAction,
    version: Pick<OpenedVersion, 'version' | 'hash'> | undefined,
    detail?: string,
  ) {
    await this.#settings.store.record(this.ref, this.#entry(action, version, detail, this.#settings.now()));
  }

  #entry(
    action: AuditAction,
    version: Pick<OpenedVersion, 'version' | 'hash'> | undefined,
    detail: string | undefined,
    at: number,
  ): AuditEntry {
    const { author, origin } = this.#settings;
    return { action, at, actor: author, origin, version: version?.version, hash: version?.hash, detail };
  }

  async #merged(first: OpenedVersion, second: OpenedVersion) {
    const ancestors = new Set<string>();
    for await (const { hash } of this.lineOf(first)) ancestors.add(hash);
    let base = new EnvFile('');
    for await (const { hash, text } of this.lineOf(second)) {
      if (!ancestors.has(hash)) continue;
      base = new EnvFile(text);
      break;
    }
    return merge(base.values, new EnvFile(second.text).values, new EnvFile(first.text));
  }

  #open(stored: Parameters<typeof open>[1]): Promise<OpenedVersion> {
    return open(this.ref, stored, this.#settings.identities);
  }

  #tampered(version: number, detail: string): LshError {
    return new LshError('SECRETS_TAMPERED', { version, environment: this.ref.environment, detail });
  }
}

/** Who can open both: a merge must not let in again who was removed on one side. */
function commonRecipients(a: OpenedVersion, b: OpenedVersion): NamedRecipient[] {
  return a.recipients.filter(({ recipient }) => b.recipients.some((other) => other.recipient === recipient));
}
