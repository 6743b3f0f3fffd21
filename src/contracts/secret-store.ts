// The store of encrypted environments. A store sees ciphertext, names of projects and environments, and who wrote when; it
// is not trusted. src/secrets checks all that it answers.

/** An environment of a project, such as prod of `github.com/acme/app`. */
export interface EnvironmentRef {
  project: string;
  environment: string;
}

/** A version as a list shows it. What the store says about author and time is unproven; the envelope proves both. */
export interface VersionEntry {
  /** 1 for the first; one more than the newest parent. */
  version: number;
  /** SHA-256 of the envelope, 64 hexadecimal digits. */
  hash: string;
  /** Hashes of the versions that this one follows: none for the first, two for a merge. */
  parents: readonly string[];
  /** USER@HOST. */
  author: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Host name, or LSH_ORIGIN. */
  origin: string;
}

export interface StoredVersion extends VersionEntry {
  /** An armored age file. */
  envelope: string;
}

export type ChangeKind = 'added' | 'changed' | 'blanked' | 'removed';

/** One variable that differs between two versions. Holds no value. */
export interface KeyChange {
  key: string;
  kind: ChangeKind;
}

export const AUDIT_ACTIONS = [
  'push',
  'set',
  'unset',
  'merge',
  'rollback',
  'import',
  'rekey',
  'pull',
  'deliver',
  'rotate',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Who did what and when. It names no keys and holds no values: a store may read it. */
export interface AuditEntry {
  action: AuditAction;
  /** Milliseconds since the epoch. */
  at: number;
  /** USER@HOST. */
  actor: string;
  origin: string;
  /** The version that the action made or read. */
  version?: number | undefined;
  hash?: string | undefined;
  /** More in words: counts of changed keys, the step of a rotation. */
  detail?: string | undefined;
}

export interface SecretStore {
  /** Where the versions are, for people: a directory or a URL. */
  readonly place: string;
  /** Every version that no other one follows, newest first: usually one; two after a merge of two git branches. */
  heads(ref: EnvironmentRef): Promise<StoredVersion[]>;
  /** The version with this number, or this hash. Undefined if there is none; the lowest hash if two have the number. */
  version(ref: EnvironmentRef, which: number | string): Promise<StoredVersion | undefined>;
  /** All versions, newest first. */
  history(ref: EnvironmentRef): Promise<VersionEntry[]>;
  /** Names of the project's environments, sorted. */
  environments(project: string): Promise<string[]>;
  /**
   * Adds the version and the entry in one step, if the heads are still exactly its parents. Answers `moved`, and writes
   * nothing, if they are not.
   */
  append(ref: EnvironmentRef, version: StoredVersion, entry: AuditEntry): Promise<'appended' | 'moved'>;
  /** Adds an entry of an action that makes no version. */
  record(ref: EnvironmentRef, entry: AuditEntry): Promise<void>;
  /** The newest entries, newest first. */
  audit(ref: EnvironmentRef, limit: number): Promise<AuditEntry[]>;
}
