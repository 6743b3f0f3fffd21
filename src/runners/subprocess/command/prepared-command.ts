// What a start needs of its job: the words to execute, where, with which variables, or why it must not be executed.
import { LshError } from '../../../core/errors.ts';
import type { JobKey } from '../../../core/job.ts';
import { DEFAULT_SHELL, type JobSpec } from '../../../core/spec/job-spec.ts';
import { SECRETS_VERSION_VARIABLE } from '../../../core/run-variables.ts';
import {
  childEnvironment,
  variablesOfFiles,
  type Command,
  type Environment,
  type StartedRun,
} from './child-env.ts';
import { missingPrerequisite } from './prerequisites.ts';
import { openSecrets, type RunSecrets, type SecretSource } from './run-secrets.ts';

export interface PreparedCommand {
  command: readonly string[];
  workingDir: string;
  env: Environment;
  secrets: RunSecrets | undefined;
}

export interface CommandRules {
  /** Variables for every command. */
  inherited: Environment;
  /** Returns a sentence that says why the command must not run. */
  check: (spec: JobSpec, job: JobKey) => string | undefined;
  secretSource: SecretSource | undefined;
}

type Refused = { refusal: string };

/**
 * Reads the env files, and checks the command with the names of their variables. Rejects with SPAWN_FAILED for what is
 * missing. The caller has checked the command without the files.
 */
export async function prepareCommand(
  job: Command,
  run: StartedRun,
  { inherited, check, secretSource }: CommandRules,
): Promise<(PreparedCommand & { refusal?: undefined }) | Refused> {
  const { workingDir = inherited['HOME'] ?? '/' } = job.spec;
  const detail = missingPrerequisite({ ...job.spec, workingDir });
  if (detail !== undefined) throw new LshError('SPAWN_FAILED', { detail });
  const fromFiles = await variablesOfFiles(job.spec, workingDir);
  const variables = variableList(fromFiles);
  const env = [...variables, ...(job.spec.env ?? [])];
  const refusal = variables.length === 0 ? undefined : check({ ...job.spec, env }, run.job);
  if (refusal !== undefined) return { refusal };
  const { secretsEnv } = job.spec;
  const secrets =
    secretsEnv === undefined
      ? undefined
      : await openSecrets(secretSource, secretsEnv, { job: run.job, workingDir });
  // The validator’s own sentence may quote a value.
  if (
    secrets &&
    check({ ...job.spec, env: [...variableList(secrets.variables), ...env] }, run.job) !== undefined
  )
    return { refusal: `With the variables of the secrets ${secrets.version}, this command is refused.` };
  return {
    command: wordsOf(job.spec),
    workingDir,
    env: {
      ...childEnvironment({ ...inherited, ...(secrets && secretVariables(secrets)) }, job, run, fromFiles),
      // As a shell sets it; the runner's own would name another directory.
      PWD: workingDir,
    },
    secrets,
  };
}

function secretVariables({ variables, version }: RunSecrets): Environment {
  return { ...variables, [SECRETS_VERSION_VARIABLE]: version };
}

function variableList(environment: Environment): { name: string; value: string }[] {
  return Object.entries(environment).map(([name, value]) => ({ name, value }));
}

/** The words to execute: the arguments as they are, or the command in its shell. */
function wordsOf({ args, command, shell = DEFAULT_SHELL }: JobSpec): readonly string[] {
  return args ?? [shell, '-c', command ?? ''];
}
