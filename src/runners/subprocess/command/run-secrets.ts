// The secrets of a run (spec.secretsEnv), and what masks them in its output. The runner holds the values in memory for as long
// as the run lasts; a file beside the run says which version it has, so that the next process can mask the same values.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LshError } from '../../../core/errors.ts';
import type { JobKey } from '../../../core/job.ts';
import { redactionOf, type Masking } from '../../../core/redaction/redaction.ts';
import type { Environment } from './child-env.ts';

/** The variables of one version of an environment. */
export interface RunSecrets {
  variables: Environment;
  /** For people, such as `prod@7`. */
  version: string;
  /** What reopen() needs. It is on disk, and holds no secret. */
  reference: string;
}

/** For whom an environment is opened. */
export interface SecretsReader {
  job: JobKey;
  workingDir: string;
}

/** Where the secrets of runs come from. */
export interface SecretSource {
  /** The newest version. Rejects with a sentence for the record of the run. */
  open(environment: string, by: SecretsReader): Promise<RunSecrets>;
  /** The version that an earlier process opened. */
  reopen(reference: string): Promise<RunSecrets>;
}

/** Rejects with SPAWN_FAILED. */
export async function openSecrets(
  source: SecretSource | undefined,
  environment: string,
  by: SecretsReader,
): Promise<RunSecrets> {
  try {
    if (source === undefined)
      throw new Error('this runner has none; in a cluster, shell.secretsEnv of the chart mounts them');
    return await source.open(environment, by);
  } catch (error) {
    const detail = `the secrets of ${environment} cannot be read: ${withoutStop(error)}`;
    throw new LshError('SPAWN_FAILED', { detail }, { cause: error });
  }
}

function withoutStop(error: unknown): string {
  return (error as Error).message.replace(/\.$/, '');
}

function markerOf(directory: string): string {
  return join(directory, 'secrets');
}

/** Records which secrets the run has, for the next process that reads its output. */
export function saveReference(directory: string, { version, reference }: RunSecrets): void {
  writeFileSync(markerOf(directory), `${version}\n${reference}`, { mode: 0o600 });
}

/** Undefined for a run without secrets. */
export function savedReference(directory: string): { version: string; reference: string } | undefined {
  if (!existsSync(markerOf(directory))) return undefined;
  const [version = '', ...rest] = readFileSync(markerOf(directory), 'utf8').split('\n');
  return { version, reference: rest.join('\n') };
}

/** What the output of a run that this process did not start needs. */
export interface EarlierOutput {
  /** Start directory of the run. */
  directory: string;
  source: SecretSource | undefined;
  /** Values that are masked in every output. */
  values: readonly string[];
  /** The bytes that the earlier process withheld. */
  withheld: Buffer;
}

/** Masks what the process before masked. Output whose secrets cannot be read any more is left out. Never rejects. */
export async function maskingAgain(output: EarlierOutput): Promise<Masking | undefined> {
  const saved = savedReference(output.directory);
  if (saved === undefined) return redactionOf(output.values, output.withheld);
  try {
    if (output.source === undefined) throw new Error('this process has no source of secrets');
    const { variables } = await output.source.reopen(saved.reference);
    return redactionOf([...output.values, ...Object.values(variables)], output.withheld);
  } catch (error) {
    return omission(`the secrets ${saved.version} cannot be read any more: ${withoutStop(error)}`);
  }
}

/** Leaves all output out: it may hold values that cannot be masked. */
function omission(why: string): Masking {
  const nothing = Buffer.alloc(0);
  return {
    withheld: nothing,
    push: () => nothing,
    end: () => Buffer.from(`[lsh: the output from here on is left out; ${why}]\n`),
  };
}
