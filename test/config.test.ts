import { describe, expect, test } from 'vitest';
import { environmentProblems, environmentState, loadConfig } from '../src/config.ts';
import { isTraced } from '../src/config/otel-variables.ts';
import { LshError } from '../src/core/errors.ts';

const HOME = { HOME: '/home/ada' };

test('an almost empty environment gives the defaults', () => {
  const config = loadConfig(HOME);
  expect(config).toMatchObject({
    nodeEnv: 'development',
    logLevel: 'info',
    home: '/home/ada',
    stateDir: undefined,
    allowDangerousCommands: false,
    dangerousJobs: undefined,
    commandAllowList: undefined,
    maxConcurrentRuns: 100,
    maxOutputBytes: 10 * 1024 * 1024,
    maxLogBytes: 1024 ** 3,
    historyDays: 90,
    evaluationIntervalMs: 60_000,
    noColor: false,
    warnings: [],
  });
});

test('parses every value as its type', () => {
  const config = loadConfig({
    ...HOME,
    NODE_ENV: 'production',
    LSH_ALLOW_DANGEROUS_COMMANDS: 'false',
    LSH_ALLOW_DANGEROUS_JOBS: 'wipe, team-a/wipe',
    LSH_COMMAND_ALLOW_LIST: 'pg_dump, /usr/bin/rsync',
    LSH_MAX_OUTPUT_BYTES: '64KiB',
    LSH_EVALUATION_INTERVAL: '1500ms',
    LSH_HISTORY_DAYS: '7',
    NO_COLOR: '1',
    FORCE_COLOR: '0',
  });
  expect(config).toMatchObject({
    nodeEnv: 'production',
    dangerousJobs: ['wipe', 'team-a/wipe'],
    commandAllowList: ['pg_dump', '/usr/bin/rsync'],
    maxOutputBytes: 65_536,
    evaluationIntervalMs: 1500,
    historyDays: 7,
    noColor: true,
    forceColor: false,
  });
});

test('an empty variable counts as not set', () => {
  const config = loadConfig({ ...HOME, LSH_LOG_LEVEL: '', NO_COLOR: '', XDG_STATE_HOME: '' });
  expect(config).toMatchObject({ logLevel: 'info', noColor: false, xdgStateHome: undefined, warnings: [] });
});

test('the config and its parts are frozen', () => {
  const config = loadConfig({ ...HOME, LSH_COMMAND_ALLOW_LIST: 'ls' });
  const { inherited, inheritedSecrets, warnings, commandAllowList } = config;
  for (const part of [config, inherited, inheritedSecrets, warnings, commandAllowList]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test('commands inherit the inherited variables and nothing else', () => {
  const { inherited } = loadConfig({
    ...HOME,
    TZ: 'Asia/Tokyo',
    LC_ALL: 'C',
    AWS_SECRET_ACCESS_KEY: 'x',
    SUPABASE_SERVICE_ROLE_KEY: 's',
    NODE_OPTIONS: 'x',
    TMPDIR: '',
    LSH_LOG_LEVEL: 'warn',
  });
  expect(inherited).toEqual({
    HOME: '/home/ada',
    TZ: 'Asia/Tokyo',
    LC_ALL: 'C',
    PATH: '/usr/local/bin:/usr/bin:/bin',
  });
});

describe('a secret', () => {
  const key = 'AGE-SECRET-KEY-1MADEUPFORATEST';

  test('is inherited apart from public variables, without the newline of its file', () => {
    const config = loadConfig({ ...HOME, LSH_SECRETS_KEY: `${key}\n` });
    expect(config.inheritedSecrets).toEqual({ LSH_SECRETS_KEY: key });
    expect(Object.values(config.inherited)).not.toContain(key);
    expect(loadConfig(HOME).inheritedSecrets).toEqual({});
  });

  test('is shown as `set`', () => {
    const state = environmentState({ ...HOME, LSH_SECRETS_KEY: key });
    expect(state).toContainEqual({
      name: 'LSH_SECRETS_KEY',
      value: 'set',
      isDefault: false,
      problem: undefined,
    });
  });

  test('that is too short is refused and not shown', () => {
    const env = { ...HOME, LSH_SECRETS_KEY: 'too short' };
    expect(environmentProblems(env)).toEqual([
      { path: 'LSH_SECRETS_KEY', message: 'must be a key of at least 16 characters' },
    ]);
    expect(loadConfig(env).inheritedSecrets).toEqual({});
  });
});

describe('with problems', () => {
  const bad = {
    LSH_LOG_LEVEL: 'verbose',
    LSH_MAX_CONCURRENT_RUNS: '0',
    LSH_EVALUATION_INTERVAL: '2h',
    LSH_ALLOW_DANGEROUS_COMMANDS: 'yes',
    LSH_MAX_OUTPUT_BYTES: '1MB',
    LSH_COMMAND_ALLOW_LIST: 'ls,,cat',
    XDG_RUNTIME_DIR: 'run',
  };

  test('reports every one at once', () => {
    expect(environmentProblems(bad).map(({ path, message }) => `${path} ${message}`)).toEqual([
      'LSH_LOG_LEVEL must be one of debug, info, warn, error, not "verbose"',
      'HOME is required when no state directory is set',
      'XDG_RUNTIME_DIR must be an absolute path, not "run"',
      'LSH_ALLOW_DANGEROUS_COMMANDS must be true or false, not "yes"',
      'LSH_COMMAND_ALLOW_LIST must be a list of programs, separated by commas, not "ls,,cat"',
      'LSH_MAX_CONCURRENT_RUNS must be a whole number from 1 to 10000, not "0"',
      'LSH_MAX_OUTPUT_BYTES must be a number of bytes (KiB, MiB, GiB) from 4KiB to 1GiB, not "1MB"',
      'LSH_EVALUATION_INTERVAL must be a time (ms, s, m) from 1s to 10m, not "2h"',
    ]);
  });

  test('a process outside production warns and uses the defaults', () => {
    const config = loadConfig(bad);
    expect(config.warnings).toHaveLength(8);
    expect(config.warnings[0]).toBe('LSH_LOG_LEVEL must be one of debug, info, warn, error, not "verbose".');
    expect(config).toMatchObject({ logLevel: 'info', maxConcurrentRuns: 100, allowDangerousCommands: false });
  });

  test('a process in production refuses to start', () => {
    expect(() => loadConfig({ ...bad, NODE_ENV: 'production' })).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_INVALID', problems: environmentProblems(bad) }),
    );
    expect(() => loadConfig({ ...bad, NODE_ENV: 'production' })).toThrow(LshError);
  });
});

test('a state directory makes HOME unnecessary', () => {
  expect(environmentProblems({ LSH_STATE_DIR: '/var/lib/lsh' })).toEqual([]);
});

describe('OpenTelemetry', () => {
  const URL = 'http://127.0.0.1:4318';

  test.each<[string, Record<string, string>, boolean]>([
    ['nothing', {}, false],
    ['the endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: URL }, true],
    ['the endpoint of traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: URL }, true],
    [
      'an exporter among others',
      { OTEL_EXPORTER_OTLP_ENDPOINT: URL, OTEL_TRACES_EXPORTER: 'console, otlp' },
      true,
    ],
    ['no exporter', { OTEL_EXPORTER_OTLP_ENDPOINT: URL, OTEL_TRACES_EXPORTER: 'none' }, false],
    ['a disabled SDK', { OTEL_EXPORTER_OTLP_ENDPOINT: URL, OTEL_SDK_DISABLED: 'True' }, false],
    ['an unknown value', { OTEL_EXPORTER_OTLP_ENDPOINT: URL, OTEL_SDK_DISABLED: '1' }, true],
  ])('with %s', (_, env, expected) => {
    const config = loadConfig({ ...HOME, NODE_ENV: 'production', ...env });
    expect(isTraced(config)).toBe(expected);
    expect(config.warnings).toEqual([]);
  });

  test('with a protocol that lsh lacks is a warning, also in production', () => {
    const env = { ...HOME, NODE_ENV: 'production', OTEL_EXPORTER_OTLP_ENDPOINT: URL };
    const config = loadConfig({ ...env, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    expect(isTraced(config)).toBe(false);
    expect(config.warnings).toEqual([expect.stringMatching(/^Runs are not traced: .* grpc\.$/)]);
    const own = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' };
    expect(isTraced(loadConfig({ ...env, ...own }))).toBe(true);
  });

  test('with settings of the SDK that lsh does not read is a warning for each', () => {
    const unread = { OTEL_TRACES_SAMPLER: 'always_off', OTEL_BSP_MAX_QUEUE_SIZE: '10' };
    const traced = loadConfig({ ...HOME, OTEL_EXPORTER_OTLP_ENDPOINT: URL, ...unread });
    expect(traced.warnings).toEqual(
      Object.keys(unread).map((name) => expect.stringContaining(`${name} has no effect`)),
    );
    expect(loadConfig({ ...HOME, ...unread }).warnings).toEqual([]);
  });

  test('at an endpoint that is no URL is a warning, also in production', () => {
    const config = loadConfig({
      ...HOME,
      NODE_ENV: 'production',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
    });
    expect(isTraced(config)).toBe(false);
    expect(config.warnings).toEqual([expect.stringMatching(/^OTEL_EXPORTER_OTLP_ENDPOINT must be a URL/)]);
  });

  test('never shows its headers', () => {
    const state = environmentState({ ...HOME, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=s3cret' });
    expect(JSON.stringify(state)).not.toContain('s3cret');
  });
});

describe('Supabase', () => {
  const URL = 'https://team.supabase.co';

  test('without its key is no problem for a process that does not use it', () => {
    expect(loadConfig({ ...HOME, NODE_ENV: 'production', SUPABASE_URL: URL }).warnings).toEqual([]);
    expect(environmentProblems({ ...HOME, SUPABASE_SERVICE_ROLE_KEY: 'k' })).toEqual([]);
  });

  test('loses the newline of the files that its Secret was created from', () => {
    const config = loadConfig({ ...HOME, SUPABASE_URL: `${URL}\n`, SUPABASE_SERVICE_ROLE_KEY: 'k\n' });
    expect(config).toMatchObject({ supabaseUrl: URL, supabaseServiceRoleKey: 'k' });
  });

  test.each(['team.supabase.co', 'ftp://team', ' '])('refuses the URL "%s"', (url) => {
    const problems = environmentProblems({ ...HOME, SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: 'k' });
    expect(problems.map(({ path }) => path)).toEqual(['SUPABASE_URL']);
  });

  test('never shows its key', () => {
    const state = environmentState({ ...HOME, SUPABASE_SERVICE_ROLE_KEY: 'e30.secret' });
    expect(JSON.stringify(state)).not.toContain('e30.secret');
    expect(state).toContainEqual(
      expect.objectContaining({ name: 'SUPABASE_SERVICE_ROLE_KEY', value: 'set' }),
    );
  });
});

test('warns in production that dangerous commands are allowed', () => {
  const { warnings } = loadConfig({ ...HOME, NODE_ENV: 'production', LSH_ALLOW_DANGEROUS_COMMANDS: 'true' });
  expect(warnings).toEqual([
    'LSH_ALLOW_DANGEROUS_COMMANDS is true in production: lsh runs dangerous commands with only a warning.',
  ]);
});

test('reports a mistyped name, but no variable that a cluster or a run adds', () => {
  const env = {
    ...HOME,
    LSH_LOGLEVEL: 'debug',
    LSH_SERVICE_HOST: '10.0.0.1',
    LSH_PORT: 'tcp://',
    LSH_RUN: 'a',
  };
  expect(loadConfig(env).warnings).toEqual([
    'LSH_LOGLEVEL is not a variable of lsh; did you mean LSH_LOG_LEVEL?',
  ]);
  expect(loadConfig({ ...env, NODE_ENV: 'production' }).nodeEnv).toBe('production');
});

test('the state of the environment shows values, defaults and problems', () => {
  const state = environmentState({ ...HOME, LSH_HISTORY_DAYS: 'x' });
  expect(state).toContainEqual({ name: 'HOME', value: '/home/ada', isDefault: false, problem: undefined });
  expect(state).toContainEqual({ name: 'LSH_LOG_LEVEL', value: 'info', isDefault: true, problem: undefined });
  expect(state).toContainEqual({
    name: 'LSH_HISTORY_DAYS',
    value: 'x',
    isDefault: false,
    problem: 'must be a whole number from 1 to 36500, not "x"',
  });
});
