// `lsh pull` and `lsh diff`: the newest version, as a file or beside it.
import type { KeyChange } from '../../contracts/secret-store.ts';
import { LshError } from '../../core/errors.ts';
import { merge as mergeFiles } from '../../secrets/env-file/changes.ts';
import { EnvFile } from '../../secrets/env-file/env-file.ts';
import { summaryOf } from '../../secrets/use/push.ts';
import type { Head, Vault } from '../../secrets/vault.ts';
import { fileToPull, fileToPush, readEnvFile, replaceEnvFile } from './env-files.ts';
import { leakOf, type Leak } from './guard/ignore.ts';
import type { ProjectSecrets } from './project-secrets.ts';
import { difference } from './push.ts';

export interface Pulled {
  project: string;
  environment: string;
  result: 'written' | 'unchanged';
  version: number;
  author: string;
  createdAt: string;
  /** What changed in the file. */
  changes: KeyChange[];
  path: string;
  /** Where the old file is. */
  backup?: string | undefined;
  /** Why git would publish the env file. */
  leak?: Leak | undefined;
}

/** Throws SECRETS_ENVIRONMENT_EMPTY. */
export async function requireHead(vault: Vault): Promise<Head> {
  const head = await vault.head();
  if (head === undefined) throw new LshError('SECRETS_ENVIRONMENT_EMPTY', { ...vault.ref });
  return head;
}

export async function pull(
  secrets: ProjectSecrets,
  environment: string,
  options: { file?: string | undefined; merge?: boolean; version?: number | undefined },
  now: () => number,
): Promise<Pulled> {
  const vault = secrets.vault(environment);
  const seen = secrets.seen(environment);
  const head = await requireHead(vault);
  const newest = head.versions[0]!;
  const { files } = seen.read();
  const path = fileToPull(secrets.project.directory, environment, options.file, Object.keys(files));
  const old = readEnvFile(path);
  const chosen = options.version === undefined ? newest : await vault.version(options.version);
  const theirs = options.version === undefined ? head.file : new EnvFile(chosen.text);
  const next =
    options.merge && old ? await merged(vault, head, { ours: old, theirs, known: files[path]?.[0] }) : theirs;
  const backup = replaceEnvFile(path, next, now());
  const { version, hash, author, createdAt } = chosen;
  const heads = options.version === undefined ? head.versions.map((each) => each.hash) : [hash];
  seen.remember({ version: newest.version, hash: newest.hash }, { path, heads });
  const changes = difference(old, next);
  await vault.record('pull', chosen, summaryOf(changes));
  const result = old?.text === next.text ? 'unchanged' : 'written';
  return {
    project: secrets.project.id,
    environment,
    result,
    version,
    author,
    createdAt,
    changes,
    path,
    backup,
    leak: leakOf(path),
  };
}

async function merged(
  vault: Vault,
  head: Head,
  { ours, theirs, known }: { ours: EnvFile; theirs: EnvFile; known: string | undefined },
) {
  const base = known === undefined ? undefined : await vault.ancestor(head.versions, known);
  const result = mergeFiles(new EnvFile(base?.text ?? '').values, theirs.values, ours);
  if ('file' in result) return result.file;
  const problems = result.clashes.map((path) => ({ path, message: 'changed on both sides' }));
  throw new LshError('SECRETS_CLASH', { environment: vault.ref.environment }, { problems });
}

export interface Difference {
  environment: string;
  /** `version 3`, or a path. */
  from: string;
  to: string;
  changes: KeyChange[];
  before: EnvFile;
  after: EnvFile;
}

/** From the newest version to the file, or between two versions. */
export async function diff(
  secrets: ProjectSecrets,
  environment: string,
  options: { file?: string | undefined; versions: readonly number[] },
): Promise<Difference> {
  const vault = secrets.vault(environment);
  const [first, second] = options.versions;
  const head = await requireHead(vault);
  const newest = { name: `version ${head.versions[0]!.version}`, file: head.file };
  const named = async (version: number) => ({
    name: `version ${version}`,
    file: new EnvFile((await vault.version(version)).text),
  });
  const local = () => {
    const path = fileToPush(secrets.project.directory, environment, options.file);
    return { name: path, file: readEnvFile(path)! };
  };
  const before = first === undefined ? newest : await named(first);
  const after = second !== undefined ? await named(second) : first === undefined ? local() : newest;
  const changes = difference(before.file, after.file);
  return { environment, from: before.name, to: after.name, changes, before: before.file, after: after.file };
}
