// The checks of the secrets: the keys of this user, and the environments of the project in the working directory.
import { formatDuration } from '../../../core/duration.ts';
import { LshError, toLshError } from '../../../core/errors.ts';
import type { EnvironmentHealth, FoundRotation } from '../../../processes/secrets/guard/health.ts';
import type { ProjectSecrets } from '../../../processes/secrets/project-secrets.ts';
import type { Io } from '../../io.ts';
import { counted } from '../../output/text.ts';
import { relative } from '../../output/when.ts';
import type { Check } from './check.ts';

/** A rotation takes minutes. */
const ROTATION_MAX_MS = 60 * 60 * 1000;
/** A job that rotates each night retires a value within a day after its overlap. */
const RETIREMENT_MAX_MS = 25 * ROTATION_MAX_MS;

/** Never throws: what cannot be looked at is a check that says why. */
export async function secretsChecks(io: Io): Promise<Check[]> {
  try {
    const { openProject } = await import('../../../processes/secrets/project-secrets.ts');
    const secrets = openProject(process.cwd(), io.now);
    return [
      await keysCheck(secrets),
      ...(await leakChecks()),
      ...(await environmentChecks(secrets, io.now())),
    ];
  } catch (error) {
    return [problem('secrets', 'warn', error)];
  }
}

function problem(name: string, result: 'warn' | 'fail', error: unknown): Check {
  const { message, hint } = toLshError(error);
  return { name, result, detail: message, hint };
}

async function keysCheck({ keys }: ProjectSecrets): Promise<Check> {
  const name = 'keys';
  try {
    const { ownRecipients } = await import('../../../processes/secrets/keys.ts');
    const { length } = await ownRecipients(keys);
    if (length === 0) return { name, result: 'ok', detail: 'none yet (the first `lsh push` makes one)' };
    const place = keys.key === undefined ? `${keys.file}, readable by you alone` : 'LSH_SECRETS_KEY';
    return { name, result: 'ok', detail: `${counted(length, 'key')} in ${place}` };
  } catch (error) {
    return problem(name, 'fail', error);
  }
}

async function leakChecks(): Promise<Check[]> {
  const { leaksIn } = await import('../../../processes/secrets/guard/health.ts');
  return leaksIn(process.cwd()).map(({ path, leak }) => ({
    name: 'secrets',
    result: 'warn',
    detail: `git ${leak} ${path}`,
    hint:
      leak === 'tracks'
        ? `Run \`git rm --cached ${path}\` and \`lsh init\`; replace the values that were committed.`
        : 'Run `lsh init`, which adds it to .gitignore.',
  }));
}

async function environmentChecks(secrets: ProjectSecrets, now: number): Promise<Check[]> {
  const { healthOf } = await import('../../../processes/secrets/guard/health.ts');
  const environments = await healthOf(secrets);
  const problems = environments.flatMap((each) => problemsOf(each, now));
  const names = environments.map(({ environment, version }) => `${environment}@${version}`).join(', ');
  const detail = `${secrets.project.id}: ${names || 'nothing is stored'}`;
  return [
    { name: 'secrets', result: 'ok', detail },
    ...problems.map((each) => ({ name: 'secrets', ...each })),
  ];
}

type Problem = Omit<Check, 'name'>;

function problemsOf(health: EnvironmentHealth, now: number): Problem[] {
  const { environment, version, createdAt, maxAgeMs, opened } = health;
  const problems: Problem[] = [];
  if (maxAgeMs !== undefined && now - createdAt > maxAgeMs)
    problems.push({
      result: 'warn',
      detail: `${environment}@${version} was stored ${relative(createdAt, now)}; the project allows ${formatDuration(maxAgeMs)}`,
      hint: `Replace its values: docs/secrets.md, "Rotation". The limit is in .lsh/project.json.`,
    });
  if (opened instanceof LshError) return [...problems, unopened(opened)];
  for (const name of opened.unseen)
    problems.push({
      result: 'warn',
      detail: `${environment} opens for ${name}, of whom no push and no pull is recorded`,
      hint: `\`lsh key remove-recipient --env ${environment} ${name}\` if its owner has left. Jobs and \`lsh secrets run\` leave no record.`,
    });
  return [...problems, ...opened.rotations.flatMap((each) => rotationProblem(environment, each, now))];
}

/** That no key opens an environment is no fault: who may open dev need not open prod. */
function unopened({ code, message, hint }: LshError): Problem {
  return { result: code === 'SECRETS_KEY_MISMATCH' ? 'ok' : 'fail', detail: message, hint };
}

function rotationProblem(environment: string, { key, rotation }: FoundRotation, now: number): Problem[] {
  if (rotation instanceof LshError)
    return [{ result: 'warn', detail: rotation.message, hint: rotation.hint }];
  const isPromoted = rotation.step === 'promoted';
  const since = isPromoted ? rotation.until : rotation.at;
  if (now - since <= (isPromoted ? RETIREMENT_MAX_MS : ROTATION_MAX_MS)) return [];
  const what = isPromoted
    ? `the old value of ${key} in ${environment} was to be retired ${relative(since, now)}`
    : `the rotation of ${key} in ${environment} stopped ${relative(since, now)}`;
  return [
    {
      result: 'warn',
      detail: what,
      hint: `The next \`lsh secrets rotate ${key} --env ${environment}\` continues.`,
    },
  ];
}
