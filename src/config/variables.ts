// The table of every variable of the environment; docs/configuration.md is made from it.
import { CONTROLLER_VARIABLES } from './controller-variables.ts';
import {
  amount,
  choice,
  directory,
  flag,
  list,
  presence,
  text,
  DURATION,
  PLAIN,
  type Variable,
} from './kinds.ts';

/** A shorter one is none, and could not be masked without masking ordinary words. */
const KEY_MIN_LENGTH = 16;
const BYTES = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Every variable that lsh reads, in the order of the page. */
export const VARIABLES = {
  nodeEnv: choice(
    'NODE_ENV',
    ['development', 'production', 'test'],
    'development',
    'In production a process refuses to start while a variable has a problem; elsewhere it warns.',
  ),
  logLevel: choice(
    'LSH_LOG_LEVEL',
    ['debug', 'info', 'warn', 'error'],
    'info',
    'What the daemon writes to its log.',
  ),
  home: directory('HOME', 'Where state and runs live when nothing else is said.', {
    required: { when: 'no state directory is set', unless: ['LSH_STATE_DIR', 'XDG_STATE_HOME'] },
  }),
  stateDir: text('LSH_STATE_DIR', 'Directory of database, log and output, instead of $XDG_STATE_HOME/lsh.'),
  runtimeDir: text('LSH_RUNTIME_DIR', 'Directory of the socket, instead of $XDG_RUNTIME_DIR/lsh.'),
  xdgStateHome: directory('XDG_STATE_HOME', 'Parent of the state directory.', {
    shownDefault: '$HOME/.local/state',
  }),
  xdgRuntimeDir: directory('XDG_RUNTIME_DIR', 'Parent of the socket’s directory.', {
    shownDefault: 'inside the state directory',
  }),
  xdgConfigHome: directory('XDG_CONFIG_HOME', 'Parent of systemd’s user units, for lsh daemon install.', {
    shownDefault: '$HOME/.config',
  }),
  allowDangerousCommands: flag(
    'LSH_ALLOW_DANGEROUS_COMMANDS',
    'When true, commands that the validator would refuse run with a warning.',
  ),
  commandAllowList: list(
    'LSH_COMMAND_ALLOW_LIST',
    'programs',
    'When set, a job may run these programs and no others.',
  ),
  maxConcurrentRuns: amount(
    'LSH_MAX_CONCURRENT_RUNS',
    'a whole number',
    { units: PLAIN, min: '1', max: '10000', default: '100' },
    'Commands that run at the same time; further ones wait, by priority.',
  ),
  maxOutputBytes: amount(
    'LSH_MAX_OUTPUT_BYTES',
    'a number of bytes (KiB, MiB, GiB)',
    { units: BYTES, min: '4KiB', max: '1GiB', default: '10MiB' },
    'Output kept of each run; of more, the beginning and the end stay.',
  ),
  historyDays: amount(
    'LSH_HISTORY_DAYS',
    'a whole number',
    { units: PLAIN, min: '1', max: '36500', default: '90' },
    'Finished runs and slots older than this many days are deleted.',
  ),
  evaluationIntervalMs: {
    ...amount(
      'LSH_EVALUATION_INTERVAL',
      'a time (ms, s, m)',
      { units: DURATION, min: '1s', max: '10m', default: '60s' },
      'How often every schedule is evaluated anew; slots in between have exact timers.',
    ),
    option: '--evaluation-interval <time>',
  },
  ...CONTROLLER_VARIABLES,
  secretsKey: {
    ...text(
      'LSH_SECRETS_KEY',
      'Key with which secrets are encrypted; handed on to commands, and masked where one prints it.',
    ),
    type: `a key of at least ${KEY_MIN_LENGTH} characters`,
    secret: true,
    inherited: true,
    // Files of keys end with a newline, and so do Secrets that are made of them.
    read: (value) => (value.trim().length >= KEY_MIN_LENGTH ? value.trim() : undefined),
  } as Variable<string | undefined>,
  runnerSocket: {
    ...text('LSH_RUNNER_SOCKET', 'Socket of lsh runner, in a directory of its own.', {
      shownDefault: 'runner.sock beside the daemon’s socket',
    }),
    type: 'an absolute path',
    read: (value) => (value.startsWith('/') ? value : undefined),
  } as Variable<string | undefined>,
  runnerGroupAccess: flag(
    'LSH_RUNNER_GROUP_ACCESS',
    'When true, the group of that directory may connect too: for a controller that runs as another user.',
  ),
  runnerLeaseMs: amount(
    'LSH_RUNNER_LEASE',
    'a time (ms, s, m)',
    { units: DURATION, min: '100ms', max: '10m', default: '15s' },
    'How long commands in lsh runner live on without a word from a controller; the same for both.',
  ),
  runnerGraceMs: amount(
    'LSH_RUNNER_GRACE',
    'a time (ms, s, m)',
    { units: DURATION, min: '0ms', max: '10m', default: '10s' },
    'How long they then have from TERM to KILL; the same for both.',
  ),
  kubeconfig: text('KUBECONFIG', 'Kubeconfigs of --cluster and of lsh controller, as kubectl takes them.', {
    shownDefault: '~/.kube/config, or the pod’s service account',
  }),
  noColor: presence('NO_COLOR', 'When set, the output has no colours.'),
  forceColor: presence('FORCE_COLOR', 'When set, the output has colours even where it is no terminal.'),
  visual: text('VISUAL', 'Editor that lsh cron edit opens.'),
  editor: text('EDITOR', 'The same, when VISUAL is not set.', { shownDefault: 'vi' }),
  path: {
    ...text('PATH', 'Where commands are looked for.', { inherited: true }),
    fallback: '/usr/local/bin:/usr/bin:/bin',
    shownDefault: '/usr/local/bin:/usr/bin:/bin',
  } as Variable<string>,
  user: text('USER', 'Name shown as the one who asked for a manual run.', { inherited: true }),
  logname: text('LOGNAME', 'The same, under its other name.', { inherited: true }),
  shell: text('SHELL', 'Shell of lsh completion; jobs run under /bin/sh unless they name another.', {
    inherited: true,
  }),
  tz: text('TZ', 'Time zone of jobs that name none, instead of the host’s.', { inherited: true }),
  lang: text('LANG', 'Language and character set of commands.', { inherited: true }),
  lcAll: text('LC_ALL', 'The same, before LANG.', { inherited: true }),
  tmpdir: text('TMPDIR', 'Directory for temporary files of commands.', { inherited: true }),
} satisfies Record<string, Variable<never> | Variable>;
