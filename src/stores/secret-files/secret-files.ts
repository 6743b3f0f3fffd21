// The store of secrets in a directory: one file for each version, which never changes. Its name holds the hashes of its
// parents, so the newest version is found by names alone, and two branches of a repository add different files.
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import {
  AUDIT_ACTIONS,
  type AuditEntry,
  type EnvironmentRef,
  type SecretStore,
  type StoredVersion,
  type VersionEntry,
} from '../../contracts/secret-store.ts';
import { LshError } from '../../core/errors.ts';

const AuditSchema = v.object({
  action: v.picklist(AUDIT_ACTIONS),
  at: v.number(),
  actor: v.string(),
  origin: v.string(),
  version: v.optional(v.number()),
  hash: v.optional(v.string()),
  detail: v.optional(v.string()),
});
const FileSchema = v.object({
  version: v.number(),
  hash: v.string(),
  parents: v.array(v.string()),
  author: v.string(),
  createdAt: v.number(),
  origin: v.string(),
  audit: AuditSchema,
  envelope: v.string(),
});
type VersionFile = v.InferOutput<typeof FileSchema>;

/** Where the files are, and how this machine keeps others out of them. */
export interface SecretFilesLayout {
  /** For people. */
  place: string;
  /** Absolute path of the directory of the environment’s versions. */
  versions: (ref: EnvironmentRef) => string;
  /** Absolute path of the file of entries that belong to no version. */
  log: (ref: EnvironmentRef) => string;
  environments: (project: string) => string[];
  /** Creates the directory of the path, for this user alone. */
  ensureDirectory: (path: string) => void;
  /** Waits until no other process appends to the environment. */
  lock: (ref: EnvironmentRef) => { release(): void };
  /** Writes a new file (0600), or none. */
  write: (path: string, text: string) => void;
}

/** A version as its name tells it, with hashes cut to 16 digits. */
interface FileName {
  name: string;
  version: number;
  hash: string;
  parents: string[];
}

const DIGITS = 16;
const NAME = /^(\d{1,9})-([0-9a-f]{16})((?:-[0-9a-f]{16})*)\.json$/;

function nameOf({ version, hash, parents }: VersionEntry): string {
  const hashes = [hash, ...parents].map((digits) => digits.slice(0, DIGITS));
  return `${[version, ...hashes].join('-')}.json`;
}

export class SecretFiles implements SecretStore {
  readonly place: string;
  readonly #layout: SecretFilesLayout;

  constructor(layout: SecretFilesLayout) {
    this.place = layout.place;
    this.#layout = layout;
  }

  async heads(ref: EnvironmentRef): Promise<StoredVersion[]> {
    return headsOf(this.#names(ref)).map(({ name }) => storedOf(this.#read(ref, name)));
  }

  async version(ref: EnvironmentRef, which: number | string): Promise<StoredVersion | undefined> {
    const isIt = ({ version, hash }: FileName) =>
      typeof which === 'number' ? version === which : hash === which.slice(0, DIGITS);
    const found = this.#names(ref)
      .filter(isIt)
      .toSorted((a, b) => (a.hash < b.hash ? -1 : 1))[0];
    return found && storedOf(this.#read(ref, found.name));
  }

  async history(ref: EnvironmentRef): Promise<VersionEntry[]> {
    return this.#names(ref).map(({ name }) => {
      const { version, hash, parents, author, createdAt, origin } = this.#read(ref, name);
      return { version, hash, parents, author, createdAt, origin };
    });
  }

  async environments(project: string): Promise<string[]> {
    return this.#layout
      .environments(project)
      .filter((environment) => this.#names({ project, environment }).length > 0)
      .toSorted();
  }

  async append(
    ref: EnvironmentRef,
    version: StoredVersion,
    audit: AuditEntry,
  ): Promise<'appended' | 'moved'> {
    const directory = this.#layout.versions(ref);
    this.#layout.ensureDirectory(directory);
    const lock = this.#layout.lock(ref);
    try {
      const heads = headsOf(this.#names(ref)).map(({ hash }) => hash);
      const parents = version.parents.map((hash) => hash.slice(0, DIGITS));
      if (heads.toSorted().join() !== parents.toSorted().join()) return 'moved';
      const file: VersionFile = { ...version, parents: [...version.parents], audit };
      this.#layout.write(join(directory, nameOf(version)), `${JSON.stringify(file, null, 2)}\n`);
      return 'appended';
    } finally {
      lock.release();
    }
  }

  async record(ref: EnvironmentRef, entry: AuditEntry): Promise<void> {
    const path = this.#layout.log(ref);
    this.#layout.ensureDirectory(join(path, '..'));
    appendFileSync(path, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
  }

  async audit(ref: EnvironmentRef, limit: number): Promise<AuditEntry[]> {
    const ofVersions = this.#names(ref)
      .slice(0, limit)
      .map(({ name }) => this.#read(ref, name).audit);
    return [...ofVersions, ...this.#recorded(ref)].toSorted((a, b) => b.at - a.at).slice(0, limit);
  }

  #recorded(ref: EnvironmentRef): AuditEntry[] {
    const path = this.#layout.log(ref);
    // A process that died while it wrote leaves the beginning of a line.
    return (textOf(path) ?? '').split('\n').flatMap((line) => {
      const { success, output } = v.safeParse(v.pipe(v.string(), v.parseJson(), AuditSchema), line);
      return success ? [output] : [];
    });
  }

  /** The versions, newest first. */
  #names(ref: EnvironmentRef): FileName[] {
    return namesIn(this.#layout.versions(ref))
      .flatMap((name) => {
        const [, version, hash = '', parents = ''] = NAME.exec(name) ?? [];
        if (version === undefined) return [];
        return [{ name, version: Number(version), hash, parents: parents.split('-').slice(1) }];
      })
      .toSorted((a, b) => b.version - a.version);
  }

  #read(ref: EnvironmentRef, name: string): VersionFile {
    const path = join(this.#layout.versions(ref), name);
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), FileSchema), textOf(path));
    if (parsed.success && nameOf(parsed.output) === name) return parsed.output;
    throw new LshError('SECRETS_FILE_INVALID', { path });
  }
}

/** The versions that no other one follows. */
function headsOf(names: readonly FileName[]): FileName[] {
  const followed = new Set(names.flatMap(({ parents }) => parents));
  return names.filter(({ hash }) => !followed.has(hash));
}

function storedOf({
  version,
  hash,
  parents,
  author,
  createdAt,
  origin,
  envelope,
}: VersionFile): StoredVersion {
  return { version, hash, parents, author, createdAt, origin, envelope };
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new LshError('FILE_UNREADABLE', { path: directory, detail: (error as Error).message });
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LshError('FILE_UNREADABLE', { path, detail: (error as Error).message });
  }
}
