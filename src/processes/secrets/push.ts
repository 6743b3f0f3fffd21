// `lsh push`: stores an env file as the next version of its environment.
import type { KeyChange } from '../../contracts/secret-store.ts';
import { LshError } from '../../core/errors.ts';
import { changesBetween } from '../../secrets/env-file/changes.ts';
import { EnvFile } from '../../secrets/env-file/env-file.ts';
import type { NamedRecipient } from '../../secrets/envelope/content.ts';
import { planPush, summaryOf, type PushPlan } from '../../secrets/use/push.ts';
import type { Head, Vault } from '../../secrets/vault.ts';
import { identitiesOf } from '../../secrets/local/keys.ts';
import { fileToPush, readEnvFile, replaceEnvFile } from './env-files.ts';
import { makeKey, ownRecipient } from './keys.ts';
import { leakOf, type Leak } from './guard/ignore.ts';
import { openProject, type ProjectSecrets } from './project-secrets.ts';

/** A writer that loses this often says so. */
export const RACES_MAX = 20;

export interface PushOptions {
  file?: string | undefined;
  merge?: boolean;
  force?: boolean;
}

export interface Pushed {
  project: string;
  environment: string;
  result: 'stored' | 'unchanged';
  version: number;
  hash: string;
  changes: KeyChange[];
  /** The env file. */
  path: string;
  /** Where the versions are. */
  place: string;
  /** Variables that the file has more than once, and the line that counts. */
  duplicates: { key: string; line: number }[];
  /** The file of a key that this push made: there was none. */
  newKey?: string | undefined;
  recipients: readonly NamedRecipient[];
  /** The merge changed the local file, which was kept here. */
  backup?: string | undefined;
  /** Why git would publish the env file. */
  leak?: Leak | undefined;
}

/** One push; each try begins with the newest state of the store. */
interface Attempt {
  secrets: ProjectSecrets;
  vault: Vault;
  path: string;
  file: EnvFile;
  options: PushOptions;
  now: () => number;
}
type Outcome = Pick<Pushed, 'result' | 'version' | 'hash' | 'changes' | 'recipients' | 'backup'>;

/** Pushes a file of the project in the directory. */
export async function push(
  directory: string,
  environment: string,
  options: PushOptions,
  now: () => number,
): Promise<Pushed> {
  const secrets = openProject(directory, now);
  secrets.ref(environment);
  const path = fileToPush(secrets.project.directory, environment, options.file);
  const file = readEnvFile(path)!;
  const newKey = await ensureKey(secrets, environment, now);
  const attempt = { secrets, vault: secrets.vault(environment), path, file, options, now };
  const duplicates = file.duplicates();
  for (let race = 0; race < RACES_MAX; race += 1) {
    const outcome = await tryOnce(attempt);
    if (outcome === undefined) continue;
    const { version, hash } = outcome;
    secrets.seen(environment).remember({ version, hash }, { path, heads: [hash] });
    const place = { project: secrets.project.id, environment, path, place: secrets.store.place };
    return { ...place, ...outcome, duplicates, newKey, leak: leakOf(path) };
  }
  throw new LshError('SECRETS_RACE', { environment, times: RACES_MAX });
}

/** Undefined if another writer was faster. */
async function tryOnce(attempt: Attempt): Promise<Outcome | undefined> {
  const { vault, file, options } = attempt;
  const head = await vault.head(options.force ? file : undefined);
  const plan = await planOf(attempt, head);
  if (plan === undefined && head?.versions.length === 1) {
    const { version, hash, recipients } = head.versions[0]!;
    return { result: 'unchanged', version, hash, changes: [], recipients };
  }
  return store(attempt, head, plan ?? { file, changes: [] });
}

async function planOf(
  { secrets, vault, path, file, options: { merge = false, force = false } }: Attempt,
  head: Head | undefined,
): Promise<PushPlan | undefined> {
  const { environment } = vault.ref;
  if (head === undefined)
    return planPush({ environment, file, head, base: head, isMoved: false, merge, force });
  const known = secrets.seen(environment).read().files[path] ?? [];
  const heads = head.versions.map(({ hash }) => hash);
  const isMoved = known.toSorted().join() !== heads.toSorted().join();
  const base = isMoved ? await baseOf(vault, head, known) : head.file;
  return planPush({ environment, file, head: head.file, base, isMoved, merge, force });
}

async function store(
  { secrets, vault, path, file, now }: Attempt,
  head: Head | undefined,
  next: PushPlan,
): Promise<Outcome | undefined> {
  const parents = head?.versions ?? [];
  const recipients = head?.recipients ?? [
    { name: secrets.author, recipient: await ownRecipient(secrets.keys) },
  ];
  const isMerge = parents.length > 1 || next.file !== file;
  const stored = await vault.append({
    parents,
    text: next.file.text,
    recipients,
    action: isMerge ? 'merge' : 'push',
    detail: summaryOf(next.changes),
  });
  if (stored === undefined) return undefined;
  const backup = next.file === file ? undefined : replaceEnvFile(path, next.file, now());
  const { version, hash } = stored;
  return { result: 'stored', version, hash, changes: next.changes, recipients, backup };
}

/** What the file was in step with before the store moved; undefined if it never was, or the version is gone. */
async function baseOf(vault: Vault, head: Head, known: readonly string[]): Promise<EnvFile | undefined> {
  const [hash] = known;
  if (hash === undefined || known.length > 1) return undefined;
  const version = await vault.ancestor(head.versions, hash);
  return version && new EnvFile(version.text);
}

/** A first push needs no preparation: it makes the key. Where versions are stored already, a new key would open none. */
async function ensureKey(
  secrets: ProjectSecrets,
  environment: string,
  now: () => number,
): Promise<string | undefined> {
  const { keys, store } = secrets;
  if (identitiesOf(keys).length > 0) return undefined;
  const stored = await store.heads(secrets.ref(environment));
  if (stored.length > 0) throw new LshError('SECRETS_KEY_MISSING');
  await makeKey(keys, 'hybrid', now());
  return keys.file;
}

/** The names that differ between two versions, or between a version and a file. */
export function difference(before: EnvFile | undefined, after: EnvFile | undefined): KeyChange[] {
  return changesBetween(before?.values ?? new Map(), after?.values ?? new Map());
}
