// Reads and checks the environment; gives one typed, frozen Config. The only reader of process.env. Loads few
// modules, because every command loads this file.
import { closest } from './core/closest.ts';
import type { Variable } from './config/kinds.ts';
import { traceWarnings, unreadTraceSettings } from './config/otel-variables.ts';
import { VARIABLES } from './config/variables.ts';
import { LshError, type Problem } from './core/errors.ts';
import { isOfRun } from './core/run-variables.ts';

type Values = { [K in keyof typeof VARIABLES]: (typeof VARIABLES)[K]['fallback'] };

/** The environment as typed values, frozen. Durations are in milliseconds, sizes in bytes. */
export interface Config extends Readonly<Values> {
  /** Variables that the commands of jobs inherit, by name. */
  readonly inherited: Readonly<Record<string, string>>;
  /** Secrets that they inherit, by name; lsh masks the values in the output of commands. */
  readonly inheritedSecrets: Readonly<Record<string, string>>;
  /** Problems and risky settings, one sentence each. */
  readonly warnings: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const TABLE: [string, Variable][] = Object.entries(VARIABLES);

/** Reads and checks the environment. In production, throws ENVIRONMENT_INVALID with every problem. */
export function loadConfig(env: Environment = process.env): Config {
  const values: Record<string, unknown> = {};
  const inherited: Record<string, string> = {};
  const inheritedSecrets: Record<string, string> = {};
  for (const [key, variable] of TABLE) {
    const text = env[variable.name];
    values[key] = (text ? variable.read(text) : undefined) ?? variable.fallback;
    if (!variable.inherited || typeof values[key] !== 'string') continue;
    (variable.secret ? inheritedSecrets : inherited)[variable.name] = values[key];
  }
  const problems = environmentProblems(env);
  const fatal = problems.filter(({ path }) => !TABLE.some(([, { name, shared }]) => shared && name === path));
  if (values.nodeEnv === 'production' && fatal.length > 0) throw invalid(fatal);
  const warnings = [
    ...problems.map(sentence),
    ...mistypedNames(env),
    ...risks(values as Values),
    ...traceWarnings(values as Values),
    ...unreadTraceSettings(values as Values, env),
  ];
  return Object.freeze({
    ...(values as Values),
    inherited: Object.freeze(inherited),
    inheritedSecrets: Object.freeze(inheritedSecrets),
    warnings: Object.freeze(warnings),
  });
}

/** The environment of this process with further variables, for a command in its place. */
export function environmentWith(
  variables: Readonly<Record<string, string>>,
  env: Environment = process.env,
): Environment {
  return { ...env, ...variables };
}

/** The variables that an option of `lsh controller` overrides. */
export function controllerOptions(): (Variable & { option: string })[] {
  return TABLE.flatMap(([, variable]) =>
    variable.option === undefined ? [] : [{ ...variable, option: variable.option }],
  );
}

/** The environment with the values of options in place of variables. Throws USAGE for a value of the wrong type. */
export function withOptions(
  options: Readonly<Record<string, string>>,
  env: Environment = process.env,
): Environment {
  for (const { name, option, type, read } of controllerOptions()) {
    const value = options[name];
    if (value === undefined || read(value) !== undefined) continue;
    throw new LshError('USAGE', { detail: `${option.split(' ')[0]} must be ${type}, not "${value}"` });
  }
  return { ...env, ...options };
}

/** Every problem of the environment; each path is the name of a variable. */
export function environmentProblems(env: Environment = process.env): Problem[] {
  return TABLE.flatMap(([, variable]) => {
    const message = problemOf(variable, env);
    return message === undefined ? [] : [{ path: variable.name, message }];
  });
}

function problemOf({ name, type, secret, required, read }: Variable, env: Environment): string | undefined {
  const text = env[name];
  if (text) {
    if (read(text) !== undefined) return undefined;
    return `must be ${type}${secret ? '' : `, not "${text.slice(0, 60)}"`}`;
  }
  if (!required || required.unless.some((alternative) => env[alternative])) return undefined;
  return `is required when ${required.when}`;
}

function invalid(problems: Problem[]): LshError {
  return new LshError('ENVIRONMENT_INVALID', { detail: problems.map(sentence).join(' ') }, { problems });
}

function sentence({ path, message }: Problem): string {
  return `${path} ${message}.`;
}

/** Reports only names close to ours: a cluster sets others, such as LSH_SERVICE_HOST. */
function mistypedNames(env: Environment): string[] {
  const names = TABLE.map(([, { name }]) => name);
  const candidates = names.filter((name) => name.startsWith('LSH_'));
  return Object.keys(env)
    .filter((name) => name.startsWith('LSH_') && !names.includes(name) && !isOfRun(name))
    .flatMap((name) => {
      const similar = closest(name, candidates);
      return similar ? [`${name} is not a variable of lsh; did you mean ${similar}?`] : [];
    });
}

function risks({ nodeEnv, allowDangerousCommands }: Values): string[] {
  if (nodeEnv !== 'production' || !allowDangerousCommands) return [];
  return [
    'LSH_ALLOW_DANGEROUS_COMMANDS is true in production: lsh runs dangerous commands with only a warning.',
  ];
}

/** One variable of the current environment, for `lsh doctor`. */
export interface VariableState {
  name: string;
  /** The value or the default; `set` for a secret. */
  value: string | undefined;
  isDefault: boolean;
  problem: string | undefined;
}

/** Every variable of the environment, in the order of docs/configuration.md. */
export function environmentState(env: Environment = process.env): VariableState[] {
  return TABLE.map(([, variable]) => ({
    name: variable.name,
    value: displayed(variable, env[variable.name]),
    isDefault: !env[variable.name],
    problem: problemOf(variable, env),
  }));
}

function displayed({ secret, shownDefault }: Variable, text: string | undefined): string | undefined {
  if (!text) return shownDefault;
  return secret ? 'set' : text;
}
