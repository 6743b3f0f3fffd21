// The environment as one typed, frozen Config, and the checks at start. The only reader of process.env; loads
// next to nothing, because every command starts here.
import { closest } from './core/closest.ts';
import type { Variable } from './config/kinds.ts';
import { VARIABLES } from './config/variables.ts';
import { LshError, type Problem } from './core/errors.ts';

type Values = { [K in keyof typeof VARIABLES]: (typeof VARIABLES)[K]['fallback'] };

/** The environment as the program uses it; frozen. Times are milliseconds, sizes bytes. */
export interface Config extends Readonly<Values> {
  /** What commands of jobs inherit, by name. */
  readonly inherited: Readonly<Record<string, string>>;
  /** What they inherit besides and must be shown nowhere, also not in what they print. */
  readonly inheritedSecrets: Readonly<Record<string, string>>;
  /** What is wrong or risky, in sentences. */
  readonly warnings: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const TABLE: [string, Variable][] = Object.entries(VARIABLES);

/** Reads and checks the environment. Throws ENVIRONMENT_INVALID with every problem, in production only. */
export function loadConfig(env: Environment = process.env): Config {
  const values: Record<string, unknown> = {};
  const inherited: Record<string, string> = {};
  const inheritedSecrets: Record<string, string> = {};
  for (const [key, variable] of TABLE) {
    const given = env[variable.name];
    values[key] = (given ? variable.read(given) : undefined) ?? variable.fallback;
    if (!variable.inherited || typeof values[key] !== 'string') continue;
    (variable.secret ? inheritedSecrets : inherited)[variable.name] = values[key];
  }
  const problems = environmentProblems(env);
  if (values.nodeEnv === 'production' && problems.length > 0) throw invalid(problems);
  const warnings = [...problems.map(sentence), ...mistypedNames(env), ...risks(values as Values)];
  return Object.freeze({
    ...(values as Values),
    inherited: Object.freeze(inherited),
    inheritedSecrets: Object.freeze(inheritedSecrets),
    warnings: Object.freeze(warnings),
  });
}

/** The variables that have an option of `lsh controller`. */
export function controllerOptions(): (Variable & { option: string })[] {
  return TABLE.flatMap(([, variable]) =>
    variable.option === undefined ? [] : [{ ...variable, option: variable.option }],
  );
}

/** The environment with what options say instead, by variable; throws USAGE for a value that is not of its type. */
export function withOptions(
  given: Readonly<Record<string, string>>,
  env: Environment = process.env,
): Environment {
  for (const { name, option, type, read } of controllerOptions()) {
    const value = given[name];
    if (value === undefined || read(value) !== undefined) continue;
    throw new LshError('USAGE', { detail: `${option.split(' ')[0]} must be ${type}, not "${value}"` });
  }
  return { ...env, ...given };
}

/** Every problem of the environment; the path is the variable’s name. */
export function environmentProblems(env: Environment = process.env): Problem[] {
  return TABLE.flatMap(([, variable]) => {
    const message = problemOf(variable, env);
    return message === undefined ? [] : [{ path: variable.name, message }];
  });
}

function problemOf({ name, type, secret, required, read }: Variable, env: Environment): string | undefined {
  const given = env[name];
  if (given) {
    if (read(given) !== undefined) return undefined;
    return `must be ${type}${secret ? '' : `, not "${given.slice(0, 60)}"`}`;
  }
  if (!required || required.unless.some((other) => env[other])) return undefined;
  return `is required when ${required.when}`;
}

function invalid(problems: Problem[]): LshError {
  return new LshError('ENVIRONMENT_INVALID', { detail: problems.map(sentence).join(' ') }, { problems });
}

function sentence({ path, message }: Problem): string {
  return `${path} ${message}.`;
}

/** What every run is given; a command of a job may itself be lsh. */
const GIVEN_TO_RUNS = new Set(['LSH_JOB', 'LSH_RUN', 'LSH_SLOT', 'LSH_ATTEMPT', 'LSH_SCHEDULED_AT']);

/** Only near misses: a cluster puts variables of its own beside ours, such as LSH_SERVICE_HOST. */
function mistypedNames(env: Environment): string[] {
  const names = TABLE.map(([, { name }]) => name);
  const ours = names.filter((name) => name.startsWith('LSH_'));
  return Object.keys(env)
    .filter((name) => name.startsWith('LSH_') && !names.includes(name) && !GIVEN_TO_RUNS.has(name))
    .flatMap((name) => {
      const meant = closest(name, ours);
      return meant ? [`${name} is not a variable that lsh knows; did you mean ${meant}?`] : [];
    });
}

function risks({ nodeEnv, allowDangerousCommands }: Values): string[] {
  if (nodeEnv !== 'production' || !allowDangerousCommands) return [];
  return ['LSH_ALLOW_DANGEROUS_COMMANDS is true in production: dangerous commands run with a warning only.'];
}

/** One variable as it stands, for people. */
export interface VariableState {
  name: string;
  /** Its value, its default, or undefined; a secret is only `set`. */
  value: string | undefined;
  isDefault: boolean;
  problem: string | undefined;
}

/** Every variable as it stands, in the order of the page. */
export function environmentState(env: Environment = process.env): VariableState[] {
  return TABLE.map(([, variable]) => ({
    name: variable.name,
    value: shown(variable, env[variable.name]),
    isDefault: !env[variable.name],
    problem: problemOf(variable, env),
  }));
}

function shown({ secret, shownDefault }: Variable, given: string | undefined): string | undefined {
  if (!given) return shownDefault;
  return secret ? 'set' : given;
}
