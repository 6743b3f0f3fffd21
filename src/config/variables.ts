// The table of all environment variables. `npm run gen` makes docs/configuration.md from it.
import { CONTROLLER_VARIABLES } from './controller-variables.ts';
import { OTEL_VARIABLES } from './otel-variables.ts';
import { SUPABASE_VARIABLES } from './supabase-variables.ts';
import {
  amount,
  choice,
  directory,
  flag,
  list,
  presence,
  text,
  url,
  BYTES,
  DURATION,
  PLAIN,
  type Variable,
} from './kinds.ts';

/** A shorter key is too weak, and masking it in output would mask ordinary words. */
const KEY_MIN_LENGTH = 16;

/** Every variable that lsh reads, in the order of docs/configuration.md. */
export const VARIABLES = {
  nodeEnv: choice(
    'NODE_ENV',
    ['development', 'production', 'test'],
    'development',
    'In production lsh refuses to start while a variable has a problem; elsewhere it warns.',
  ),
  logLevel: choice(
    'LSH_LOG_LEVEL',
    ['debug', 'info', 'warn', 'error'],
    'info',
    'Lowest level of the lines in the log of the daemon, the operator and the runner.',
  ),
  home: directory('HOME', 'Parent of the default directories, and working directory of commands.', {
    required: { when: 'no state directory is set', unless: ['LSH_STATE_DIR', 'XDG_STATE_HOME'] },
  }),
  stateDir: text('LSH_STATE_DIR', 'Directory of database, log and output; replaces $XDG_STATE_HOME/lsh.'),
  runtimeDir: text('LSH_RUNTIME_DIR', 'Directory of the socket; replaces $XDG_RUNTIME_DIR/lsh.'),
  xdgStateHome: directory('XDG_STATE_HOME', 'Parent of the state directory.', {
    shownDefault: '$HOME/.local/state',
  }),
  xdgRuntimeDir: directory('XDG_RUNTIME_DIR', 'Parent of the socket’s directory.', {
    shownDefault: 'inside the state directory',
  }),
  xdgConfigHome: directory(
    'XDG_CONFIG_HOME',
    'Parent of the directory lsh, with `keys`, the keys of the secrets, and the sessions of `lsh supabase login`; and of the systemd user units of `lsh daemon install`.',
    {
      shownDefault: '$HOME/.config',
    },
  ),
  xdgDataHome: directory('XDG_DATA_HOME', 'Parent of `lsh/secrets`, the encrypted versions of the secrets.', {
    shownDefault: '$HOME/.local/share',
  }),
  notifySocket: text(
    'NOTIFY_SOCKET',
    'Set by systemd for the unit of `lsh daemon install`: the daemon reports there that it is ready.',
  ),
  allowDangerousCommands: flag(
    'LSH_ALLOW_DANGEROUS_COMMANDS',
    'When true, lsh runs commands that the validator refuses, with a warning.',
  ),
  dangerousJobs: list(
    'LSH_ALLOW_DANGEROUS_JOBS',
    'jobs',
    'Jobs whose commands run with a warning although the validator refuses them: NAME, in a cluster NAMESPACE/NAME.',
  ),
  commandAllowList: list('LSH_COMMAND_ALLOW_LIST', 'programs', 'When set, jobs may run only these programs.'),
  maxConcurrentRuns: amount(
    'LSH_MAX_CONCURRENT_RUNS',
    'a whole number',
    { units: PLAIN, min: '1', max: '10000', default: '100' },
    'Number of commands that may run at the same time; further runs wait, highest priority first.',
  ),
  maxOutputBytes: amount(
    'LSH_MAX_OUTPUT_BYTES',
    'a number of bytes (KiB, MiB, GiB)',
    { units: BYTES, min: '4KiB', max: '1GiB', default: '10MiB' },
    'Output that lsh keeps of each run; of a longer output it keeps the beginning and the end.',
  ),
  maxLogBytes: amount(
    'LSH_MAX_LOG_BYTES',
    'a number of bytes (KiB, MiB, GiB)',
    { units: BYTES, min: '1MiB', max: '1024GiB', default: '1GiB' },
    'Output that the local daemon keeps of all runs together; every ten minutes it deletes the oldest output of finished runs beyond it.',
  ),
  historyDays: amount(
    'LSH_HISTORY_DAYS',
    'a whole number',
    { units: PLAIN, min: '1', max: '36500', default: '90' },
    'lsh deletes finished runs and slots that are older than this many days.',
  ),
  evaluationIntervalMs: {
    ...amount(
      'LSH_EVALUATION_INTERVAL',
      'a time (ms, s, m)',
      { units: DURATION, min: '1s', max: '10m', default: '60s' },
      'How often lsh evaluates every schedule; exact timers start the slots in between.',
    ),
    option: '--evaluation-interval <time>',
  },
  notify: list(
    'LSH_NOTIFY',
    'channels',
    'Channels that hear of jobs without `notify` of their own: once of each streak of failures, and once of its end.',
  ),
  channelsFile: text('LSH_CHANNELS_FILE', 'File of the channels; in a cluster a mounted Secret.', {
    shownDefault: '$XDG_CONFIG_HOME/lsh/channels.json',
  }),
  heartbeatUrl: {
    ...url(
      'LSH_HEARTBEAT_URL',
      'URL that the daemon and the leading operator request with GET at each evaluation interval, so that a service such as healthchecks.io tells people when lsh is gone.',
    ),
    secret: true,
  } as Variable<string | undefined>,
  ...OTEL_VARIABLES,
  ...CONTROLLER_VARIABLES,
  ...SUPABASE_VARIABLES,
  secretsKey: {
    ...text(
      'LSH_SECRETS_KEY',
      'Keys that open secrets (AGE-SECRET-KEY-…, separated by commas); replaces the file `lsh/keys`. Commands inherit it; lsh masks it in their output.',
    ),
    type: `a key of at least ${KEY_MIN_LENGTH} characters`,
    secret: true,
    inherited: true,
    // A key file, and a Secret that was created from it, ends with a newline.
    read: (value) => (value.trim().length >= KEY_MIN_LENGTH ? value.trim() : undefined),
  } as Variable<string | undefined>,
  project: text(
    'LSH_PROJECT',
    'Name of the project whose secrets the commands of lsh use; replaces the name from the git remote.',
  ),
  runnerSocket: {
    ...text('LSH_RUNNER_SOCKET', 'Socket of `lsh runner`, in a directory of its own.', {
      shownDefault: 'runner.sock beside the daemon’s socket',
    }),
    type: 'an absolute path',
    read: (value) => (value.startsWith('/') ? value : undefined),
  } as Variable<string | undefined>,
  runnerGroupAccess: flag(
    'LSH_RUNNER_GROUP_ACCESS',
    'When true, the group of that directory may connect, too: for a controller that runs as another user.',
  ),
  deliveredSecrets: text(
    'LSH_DELIVERED_SECRETS',
    'Directory in which `lsh runner` finds the Secrets of `lsh push --to kubernetes`, as NAMESPACE/ENVIRONMENT with a file for each variable; the chart mounts them there.',
  ),
  runnerLeaseMs: amount(
    'LSH_RUNNER_LEASE',
    'a time (ms, s, m)',
    { units: DURATION, min: '100ms', max: '10m', default: '15s' },
    'How long `lsh runner` lets commands run without a message from the controller, and after TERM; set the same value for both.',
  ),
  runnerGraceMs: amount(
    'LSH_RUNNER_GRACE',
    'a time (ms, s, m)',
    { units: DURATION, min: '0ms', max: '10m', default: '10s' },
    'Time from TERM to KILL for those commands; set the same value for both.',
  ),
  kubeconfig: text(
    'KUBECONFIG',
    'Kubeconfig files of --cluster and `lsh controller`, in the form of kubectl.',
    {
      shownDefault: '~/.kube/config, or the pod’s service account',
    },
  ),
  noColor: presence('NO_COLOR', 'When set, lsh prints no colours.'),
  forceColor: presence('FORCE_COLOR', 'When set, lsh prints colours even if the output is no terminal.'),
  visual: text('VISUAL', 'Editor that `lsh cron edit` opens.'),
  editor: text('EDITOR', 'Editor that `lsh cron edit` opens when VISUAL is not set.', { shownDefault: 'vi' }),
  path: {
    ...text(
      'PATH',
      'Directories in which lsh and the commands of jobs look for programs. A command finds the `lsh` of its daemon first.',
      { inherited: true },
    ),
    fallback: '/usr/local/bin:/usr/bin:/bin',
    shownDefault: '/usr/local/bin:/usr/bin:/bin',
  } as Variable<string>,
  user: text('USER', 'Name of the user who requests a manual run.', { inherited: true }),
  logname: text('LOGNAME', 'Name of the user when USER is not set.', { inherited: true }),
  shell: text(
    'SHELL',
    'Login shell, which commands inherit. Jobs run under /bin/sh unless they name a shell.',
    {
      inherited: true,
    },
  ),
  tz: text('TZ', 'Time zone of jobs that name none; replaces the zone of the host.', { inherited: true }),
  lang: text('LANG', 'Language and character set of commands.', { inherited: true }),
  lcAll: text('LC_ALL', 'Language and character set of commands; overrides LANG.', { inherited: true }),
  tmpdir: text('TMPDIR', 'Directory for temporary files of commands.', { inherited: true }),
} satisfies Record<string, Variable<never> | Variable>;
