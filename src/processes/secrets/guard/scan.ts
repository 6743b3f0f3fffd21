// `lsh secrets scan`: finds values of the secrets in files that git tracks, or is about to commit.
import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LshError } from '../../../core/errors.ts';
import { environmentsOf, fileOf } from '../look.ts';
import type { ProjectSecrets } from '../project-secrets.ts';

/** A shorter value, such as `true` or a port, stands in many files and is no secret. */
const VALUE_MIN_LENGTH = 8;
const FILE_MAX_BYTES = 16 * 1024 * 1024;
const GIT_MAX_BYTES = 256 * 1024 * 1024;

export interface Finding {
  path: string;
  line: number;
  key: string;
  environment: string;
}

export interface Scan {
  findings: Finding[];
  files: number;
  environments: string[];
  /** Environments that no key of this machine opens. */
  closed: string[];
}

interface Known {
  key: string;
  environment: string;
  bytes: Buffer;
}

/** Throws GIT_FAILED. */
export async function scan(secrets: ProjectSecrets, { staged }: { staged: boolean }): Promise<Scan> {
  const known: Known[] = [];
  const environments: string[] = [];
  const closed: string[] = [];
  for (const environment of await environmentsOf(secrets)) {
    const file = await fileOf(secrets, environment).catch((error: unknown) => {
      if (error instanceof LshError && error.code === 'SECRETS_KEY_MISMATCH') return undefined;
      throw error;
    });
    (file ? environments : closed).push(environment);
    for (const [key, value] of file?.values ?? [])
      if (value.length >= VALUE_MIN_LENGTH) known.push({ key, environment, bytes: Buffer.from(value) });
  }
  const { root } = secrets.project;
  const paths = pathsOf(root, staged);
  const findings = paths.flatMap((path) => findingsIn(path, contentOf(root, path, staged), known));
  return { findings, files: paths.length, environments, closed };
}

function findingsIn(path: string, content: Buffer, known: readonly Known[]): Finding[] {
  return known.flatMap(({ key, environment, bytes }) => {
    const at = content.indexOf(bytes);
    if (at === -1) return [];
    const line = content.subarray(0, at).toString('latin1').split('\n').length;
    return [{ path, line, key, environment }];
  });
}

function pathsOf(root: string, staged: boolean): string[] {
  const args = staged ? ['diff', '--cached', '--name-only', '--diff-filter=d', '-z'] : ['ls-files', '-z'];
  return git(root, args).toString().split('\0').filter(Boolean);
}

function contentOf(root: string, path: string, staged: boolean): Buffer {
  if (staged) return git(root, ['show', `:${path}`]);
  const file = lstatSync(join(root, path), { throwIfNoEntry: false });
  return file?.isFile() && file.size <= FILE_MAX_BYTES ? readFileSync(join(root, path)) : Buffer.alloc(0);
}

function git(root: string, args: string[]): Buffer {
  try {
    return execFileSync('git', ['-C', root, ...args], {
      maxBuffer: GIT_MAX_BYTES,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    throw new LshError('GIT_FAILED', { detail: stderr?.toString().trim() || message }, { cause: error });
  }
}
