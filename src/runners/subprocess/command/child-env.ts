// The environment of a command: inherited variables, the job's own, and the LSH_* variables of the run.
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { LshError } from '../../../core/errors.ts';
import type { Job } from '../../../core/job.ts';
import type { JobSpec } from '../../../core/spec/job-spec.ts';
import { runVariables, traceVariables } from '../../../core/run-variables.ts';
import type { StartingRun } from '../../../core/run.ts';
import { ownNameOf } from '../../run-index.ts';
import { readFile, stat } from '../files.ts';

export type Environment = Record<string, string>;

/** The part of a job that its command needs. */
export type Command = Pick<Job, 'name' | 'spec'>;
/** The part of a run that its start needs. */
export type StartedRun = Pick<
  StartingRun,
  'name' | 'job' | 'slot' | 'attempt' | 'startAfter' | 'cause' | 'stopCause' | 'traceparent'
>;

/** USER, LOGNAME, HOME and SHELL as the user database has them; empty for a user id without an entry (a container). */
export function userVariables(): Environment {
  try {
    const { username, homedir, shell } = userInfo();
    return { USER: username, LOGNAME: username, HOME: homedir, ...(shell && { SHELL: shell }) };
  } catch {
    return {};
  }
}

/** The whole environment of one run; later sources win: the trace, inherited, the env files, env, LSH_*. */
export function childEnvironment(
  inherited: Environment,
  job: Command,
  run: StartedRun,
  fromFiles: Environment,
): Environment {
  return {
    ...traceVariables(run),
    ...inherited,
    ...fromFiles,
    ...Object.fromEntries((job.spec.env ?? []).map(({ name, value }) => [name, value ?? ''])),
    ...runVariables(job, { ...run, name: ownNameOf(run.name) }),
  };
}

/** The variables of the env files. Rejects with SPAWN_FAILED for an unreadable file. */
export async function variablesOfFiles({ envFrom = [] }: JobSpec, workingDir: string): Promise<Environment> {
  const environment: Environment = {};
  for (const { file, prefix = '', optional } of envFrom) {
    if (file === undefined) continue;
    const path = resolve(workingDir, file);
    for (const [name, value] of Object.entries(await parseFile(path, optional ?? false))) {
      environment[prefix + name] = value;
    }
  }
  return environment;
}

/** More does not fit into the environment of a process. */
const FILE_MAX_BYTES = 1024 * 1024;
/** The parser takes time quadratic in the length of such a row. */
const BLANK_LINES_MAX = 100;

async function parseFile(path: string, optional: boolean): Promise<Environment> {
  try {
    const file = await stat(path);
    if (file.isFile()) return variablesIn(await readText(path, file.size), path);
  } catch (error) {
    if (error instanceof LshError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (optional && code === 'ENOENT') return {};
    throw unreadable(path, code, error);
  }
  // Reading a FIFO without a writer would block the run, and the end of this process, for ever.
  throw unreadable(path, 'not a regular file');
}

async function readText(path: string, bytes: number): Promise<string> {
  if (bytes > FILE_MAX_BYTES) throw unreadable(path, 'more than 1 MiB');
  return readFile(path, 'utf8');
}

/** The variables of the text. Throws SPAWN_FAILED for a text that would take too long to read. */
export function variablesIn(text: string, path: string): Environment {
  let blankLines = 0;
  for (const line of text.split('\n')) {
    blankLines = line.trim() === '' ? blankLines + 1 : 0;
    if (blankLines > BLANK_LINES_MAX)
      throw unreadable(path, `more than ${BLANK_LINES_MAX} blank lines in a row`);
  }
  return parse(text);
}

function unreadable(path: string, why: string, cause?: unknown): LshError {
  return new LshError('SPAWN_FAILED', { detail: `the env file ${path} cannot be read (${why})` }, { cause });
}
