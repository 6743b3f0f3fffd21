// Every error that users see: a stable code, a sentence, a hint, an exit status. docs/errors.md is generated from it.

/** Exit statuses of the command line. `ownFailure` replaces 1 to 5 where those belong to the command of a job. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notRunning: 3,
  notFound: 4,
  refused: 5,
  ownFailure: 125,
} as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

type Fields = Record<string, string | number>;

interface ErrorEntry {
  /** The sentence; `{field}` is replaced by the field of that name. */
  message: string;
  /** The next step for the user, most often a command. */
  hint: string;
  exit: ExitStatus;
  /** HTTP status on the daemon’s socket. */
  http: number;
  /** The same call may succeed later, without any change by the user. */
  retryable?: true;
}

const table = {
  // the program itself
  INTERNAL: {
    message: 'lsh failed on an error of its own: {detail}.',
    hint: 'Report it with the output of `lsh doctor` and the last lines of `lsh daemon logs`.',
    exit: EXIT.failure,
    http: 500,
  },
  USAGE: {
    message: '{detail}',
    hint: 'Run the command with --help to see its usage.',
    exit: EXIT.usage,
    http: 400,
  },
  ENVIRONMENT_INVALID: {
    message: 'The environment is not valid: {detail}',
    hint: 'Correct the variables named above; docs/configuration.md describes each one, `lsh doctor` shows their values.',
    exit: EXIT.failure,
    http: 500,
  },
  NODE_MISSING: {
    message: 'lsh needs Node {version} or newer and finds {found}.',
    hint: 'Install Node from https://nodejs.org, or let npm put one beside lsh: `npm rebuild -g @lsh/lsh`.',
    exit: EXIT.failure,
    http: 500,
  },
  // channels of notices
  CHANNELS_INVALID: {
    message: 'The channels in {path} are not valid: {detail}.',
    hint: 'Correct it with `lsh channel add`; docs/notices.md has the fields of each kind.',
    exit: EXIT.usage,
    http: 400,
  },
  CHANNELS_FILE_OPEN: {
    message: 'Other users may read the channels in {path} (mode {mode}).',
    hint: 'Close it with `chmod 600 {path}`, and replace the secrets in it.',
    exit: EXIT.refused,
    http: 500,
  },
  CHANNEL_NOT_FOUND: {
    message: 'There is no channel "{name}" in {path}.',
    hint: '`lsh channel list` shows all channels; `lsh channel add {name} --kind …` adds one.',
    exit: EXIT.notFound,
    http: 404,
  },
  CHANNEL_VALUE_MISSING: {
    message: 'Channel "{channel}" names {reference}, which has no value.',
    hint: 'Set the variable for the daemon, or the secret with `lsh secrets set`.',
    exit: EXIT.failure,
    http: 500,
  },
  CHANNEL_FAILED: {
    message: 'Channel "{channel}" did not take the message: {detail}.',
    hint: '`lsh channel add {channel} …` replaces the channel.',
    exit: EXIT.failure,
    http: 500,
  },
  // the command line
  FILE_UNREADABLE: {
    message: 'The file {path} cannot be read: {detail}.',
    hint: 'Check the path and its permissions; `-` reads from stdin.',
    exit: EXIT.failure,
    http: 400,
  },
  EDITOR_FAILED: {
    message: 'The editor "{editor}" ended with {status}; the job is unchanged.',
    hint: 'Set EDITOR to another editor, or edit the output of `lsh cron export NAME` and run `lsh apply -f FILE`.',
    exit: EXIT.failure,
    http: 500,
  },
  SERVICE_UNSUPPORTED: {
    message: 'lsh knows no service manager on {platform}.',
    hint: 'Have your own service manager run `lsh daemon run`, which stays in the foreground.',
    exit: EXIT.failure,
    http: 500,
  },
  SERVICE_COMMAND_FAILED: {
    message: '`{command}` failed: {detail}',
    hint: '`lsh daemon install --print` shows the service files; `lsh daemon start` needs no service manager.',
    exit: EXIT.failure,
    http: 500,
  },
  CLOCK_WRONG: {
    message: 'The clock of this machine is wrong: it says {now}.',
    hint: 'Set the clock: every schedule follows it.',
    exit: EXIT.failure,
    http: 500,
  },
  // jobs
  JOB_INVALID: {
    message: 'The job is not valid: {detail}',
    hint: 'Correct the fields named above; `lsh cron validate FILE` checks without changing anything.',
    exit: EXIT.usage,
    http: 422,
  },
  AFTER_CYCLE: {
    message: 'The job "{name}" would start itself: {way}.',
    hint: 'Take one of these jobs out of spec.after of another.',
    exit: EXIT.usage,
    http: 422,
  },
  JOB_NOT_FOUND: {
    message: 'There is no job named "{name}".',
    hint: 'List the jobs with `lsh cron list`.',
    exit: EXIT.notFound,
    http: 404,
  },
  SCHEDULE_INVALID: {
    message: 'The schedule "{expression}" is not valid: {detail}.',
    hint: 'Five fields are minute, hour, day of month, month and day of week, as in `0 2 * * 0`; `lsh cron validate EXPR` checks an expression.',
    exit: EXIT.usage,
    http: 422,
  },
  TIMEZONE_INVALID: {
    message: 'There is no time zone named "{name}".',
    hint: 'Give an IANA name such as UTC, Europe/London or America/New_York.',
    exit: EXIT.usage,
    http: 422,
  },
  CALENDAR_UNKNOWN: {
    message: 'There is no calendar named "{name}".',
    hint: 'Add it with `lsh calendar add {name} FILE`; in a cluster it is a key of the chart’s value `calendars`.',
    exit: EXIT.notFound,
    http: 422,
  },
  CALENDAR_INVALID: {
    message: 'The calendar "{name}" cannot be read: {detail}.',
    hint: 'A calendar is an iCalendar file (.ics), or a text with one date a line, such as 2026-12-25.',
    exit: EXIT.usage,
    http: 422,
  },
  COMMAND_REFUSED: {
    message: 'The command was refused: {detail}',
    hint: 'To run it with a warning, the owner of the daemon or operator names the job in LSH_ALLOW_DANGEROUS_JOBS; see docs/security.md.',
    exit: EXIT.refused,
    http: 403,
  },
  EXECUTOR_UNAVAILABLE: {
    message: 'Executor {executor} is not available here.',
    hint: 'Executor Job needs a cluster; executor Shell needs the local daemon, or an operator with LSH_SHELL.',
    exit: EXIT.usage,
    http: 422,
  },
  SHELL_NOT_ALLOWED: {
    message: 'Namespace {namespace} may not have shell runs: all shell runs share one container.',
    hint: 'Use executor: Job, or ask the operator’s administrator to add the namespace to LSH_SHELL_NAMESPACES.',
    exit: EXIT.refused,
    http: 403,
  },
  SPEC_TOO_LARGE: {
    message: 'The spec has {bytes} bytes; the limit is {limit}, because the same object holds the status.',
    hint: 'Put large values into a ConfigMap or Secret and name it in envFrom.',
    exit: EXIT.usage,
    http: 422,
  },
  // runs
  RUN_NOT_FOUND: {
    message: 'There is no run named "{name}".',
    hint: 'List the runs of a job with `lsh cron history NAME`.',
    exit: EXIT.notFound,
    http: 404,
  },
  RUN_NONE_YET: {
    message: 'Job "{name}" has not run yet.',
    hint: 'Start a run with `lsh cron trigger {name}`; `lsh cron next {name}` shows when the job is due.',
    exit: EXIT.notFound,
    http: 404,
  },
  SPAWN_FAILED: {
    message: 'The command did not start: {detail}.',
    hint: 'Correct workingDir, shell, envFrom or the command, then try again with `lsh cron trigger NAME --wait`.',
    exit: EXIT.failure,
    http: 500,
  },
  RUN_FORBIDDEN: {
    message: 'Job "{name}" did not start: {detail}.',
    hint: 'Wait for the active run, stop it with `lsh cron stop {name}`, or change concurrencyPolicy.',
    exit: EXIT.failure,
    http: 409,
  },
  BACKFILL_INVALID: {
    message: 'Job "{name}" gets no such backfill: {detail}.',
    hint: 'Change --from and --to; `lsh cron backfill {name} --from … --to … --dry-run` shows the slots of a range.',
    exit: EXIT.usage,
    http: 422,
  },
  BACKFILL_ACTIVE: {
    message: 'A backfill of job "{name}" is under way.',
    hint: 'Wait for its end, which `lsh cron get {name}` shows, or cancel it with `lsh cron backfill {name} --cancel`.',
    exit: EXIT.refused,
    http: 409,
  },
  RUN_FINISHED: {
    message: 'Run "{name}" has finished and cannot become active again.',
    hint: 'lsh has kept the run from starting twice; you need not do anything.',
    exit: EXIT.failure,
    http: 409,
    retryable: true,
  },
  // the local daemon: its files
  HOME_MISSING: {
    message: 'lsh has no directory for its state: neither HOME nor XDG_STATE_HOME is set.',
    hint: 'Set HOME, or name a directory with LSH_STATE_DIR.',
    exit: EXIT.failure,
    http: 500,
  },
  STATE_DIR_UNSAFE: {
    message: '{path} is not safe to use: {detail}.',
    hint: 'Make your user its owner, and close it to other users with `chmod go-rwx`, or name another directory with LSH_STATE_DIR or LSH_RUNTIME_DIR.',
    exit: EXIT.failure,
    http: 500,
  },
  STATE_DIR_UNWRITABLE: {
    message: 'lsh cannot write to the directory {path}: {detail}.',
    hint: 'Make it writable for your user, or name another directory with LSH_STATE_DIR or LSH_RUNTIME_DIR.',
    exit: EXIT.failure,
    http: 500,
  },
  DISK_FULL: {
    message: 'The disk of {path} has no room: {detail}.',
    hint: 'Free space; `df -h "{path}"` and `df -i "{path}"` show what is full. Every change that lsh has confirmed is safe.',
    exit: EXIT.failure,
    http: 507,
    retryable: true,
  },
  SOCKET_PATH_TOO_LONG: {
    message: 'The socket path {path} has {bytes} bytes; the system allows {limit}.',
    hint: 'Name a shorter directory with LSH_RUNTIME_DIR, such as /run/user/$(id -u)/lsh.',
    exit: EXIT.failure,
    http: 500,
  },
  // the local daemon: start and stop
  DAEMON_NOT_RUNNING: {
    message: 'The daemon is not running.',
    hint: 'Start it with `lsh daemon start`.',
    exit: EXIT.notRunning,
    http: 503,
  },
  DAEMON_ALREADY_RUNNING: {
    message: 'A daemon is already running{detail}.',
    hint: '`lsh daemon status` shows it; `lsh daemon restart` replaces it.',
    exit: EXIT.failure,
    http: 409,
  },
  DAEMON_START_FAILED: {
    message: 'The daemon did not start: {detail}.',
    hint: 'Run it in the foreground to see the cause: `lsh daemon run`.',
    exit: EXIT.failure,
    http: 500,
  },
  DAEMON_STOP_FAILED: {
    message: 'The daemon (process {pid}) still runs {seconds} s after the request to stop.',
    hint: '`lsh daemon logs` shows what it waits for; `kill -9 {pid}` ends it and loses nothing that is recorded.',
    exit: EXIT.failure,
    http: 500,
  },
  DAEMON_STOPPING: {
    message: 'The daemon is shutting down.',
    hint: 'Start it again with `lsh daemon start`, then repeat the command.',
    exit: EXIT.notRunning,
    http: 503,
    retryable: true,
  },
  DAEMON_UNREACHABLE: {
    message: 'The daemon cannot be reached: {detail}.',
    hint: 'See `lsh daemon status` and `lsh daemon logs`; running jobs survive `lsh daemon restart`.',
    exit: EXIT.failure,
    http: 502,
    retryable: true,
  },
  DAEMON_UNTRUSTED: {
    message: 'lsh does not connect to the socket {path}: {detail}.',
    hint: 'Another program may answer there in the daemon’s place. Run lsh as the user of the daemon, name a directory of your own with LSH_RUNTIME_DIR, or close yours to other users with `chmod go-rwx`.',
    exit: EXIT.failure,
    http: 500,
  },
  DAEMON_STALLED: {
    message: 'The daemon (process {pid}) answers but does not evaluate its schedules: {detail}.',
    hint: '`lsh daemon logs` shows why; `lsh daemon restart` starts it again, and running jobs continue.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  // the local daemon: its requests
  PROTOCOL_MISMATCH: {
    message: 'The daemon speaks protocol {daemon}; this command speaks protocol {client}.',
    hint: 'Run `lsh daemon restart` to start this version of the daemon; running jobs continue.',
    exit: EXIT.failure,
    http: 426,
  },
  UNKNOWN_COMMAND: {
    message: 'The daemon knows no command "{command}".',
    hint: 'Run `lsh daemon restart` to start this version of the daemon; running jobs continue.',
    exit: EXIT.failure,
    http: 404,
  },
  REQUEST_INVALID: {
    message: 'The request is not valid: {detail}.',
    hint: 'Send POST /v1/COMMAND with a JSON body {"id": "...", "payload": {...}}.',
    exit: EXIT.usage,
    http: 400,
  },
  REQUEST_TOO_LARGE: {
    message: 'The request is larger than {limit} bytes.',
    hint: 'Keep data out of the job: put it into a file that the command reads.',
    exit: EXIT.usage,
    http: 413,
  },
  // the runner of the operator’s pod
  RUNNER_UNREACHABLE: {
    message: 'The runner of shell commands cannot be reached: {detail}.',
    hint: 'Read the log of its container: `kubectl logs POD -c shell`.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  RUNNER_ALREADY_RUNNING: {
    message: 'Another runner uses {path}.',
    hint: 'Give each runner its own LSH_STATE_DIR and its own LSH_RUNNER_SOCKET.',
    exit: EXIT.failure,
    http: 409,
  },
  RUNNER_HAS_TOKEN: {
    message: 'A service account token is mounted at {path}: every command could read it.',
    hint: 'Set automountServiceAccountToken: false, and mount the token as a projected volume into the controller’s container only.',
    exit: EXIT.refused,
    http: 403,
  },
  // stores
  STORE_CORRUPT: {
    message: 'The store {path} is damaged: {detail}.',
    hint: 'The file is left as it is. Stop the daemon, move the file away with `mv "{path}" "{path}.damaged"` (and its -wal and -shm files, if any), then restore a copy or start empty.',
    exit: EXIT.failure,
    http: 500,
  },
  STORE_TOO_NEW: {
    message:
      'The store {path} has schema version {found}; this lsh knows versions up to {known} and leaves the store as it is.',
    hint: 'Install the lsh version that wrote it, or a newer one; `lsh version` shows the version of this lsh.',
    exit: EXIT.failure,
    http: 500,
  },
  STORE_READ_ONLY: {
    message: 'lsh cannot write to the store {path}: {detail}.',
    hint: 'Give the user of the daemon write access to the directory and the file: `ls -la "{directory}"`.',
    exit: EXIT.failure,
    http: 500,
  },
  STORE_FULL: {
    message: 'The store {path} has no room: {detail}.',
    hint: 'Free space on the disk: `df -h "{directory}"`. Every change that lsh has confirmed is safe.',
    exit: EXIT.failure,
    http: 507,
    retryable: true,
  },
  STORE_LOCKED: {
    message: 'Another process has locked the store {path}.',
    hint: 'Find the process with `fuser -v "{path}"` and end it.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  STORE_UNUSABLE: {
    message: 'lsh cannot use the store {path}: {detail}.',
    hint: 'Look into its directory: `ls -la "{directory}"`.',
    exit: EXIT.failure,
    http: 500,
  },
  // the team’s history
  HISTORY_UNAVAILABLE: {
    message: 'The Supabase project at {url} cannot be reached: {detail}.',
    hint: 'Check that the project is not paused. Finished runs stay where they ran, and lsh records them when the project answers.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  HISTORY_REFUSED: {
    message: 'The Supabase project at {url} refused the request: {detail}.',
    hint: 'Check SUPABASE_SERVICE_ROLE_KEY, and bring the schema up to date: `lsh supabase init`.',
    exit: EXIT.failure,
    http: 502,
  },
  SUPABASE_NOT_CONFIGURED: {
    message: 'No Supabase project is configured: {detail}.',
    hint: 'Set SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY for the project, and SUPABASE_DB_URL, the connection string of its page Connect, for `lsh supabase init`.',
    exit: EXIT.failure,
    http: 500,
  },
  SUPABASE_SCHEMA_MISSING: {
    message: 'The Supabase project at {url} has no tables of lsh.',
    hint: 'Make them with `lsh supabase init`.',
    exit: EXIT.failure,
    http: 502,
  },
  SUPABASE_SCHEMA_OLD: {
    message: 'The Supabase project has version {found} of the schema; this lsh is made for version {known}.',
    hint: 'Bring it up to date with `lsh supabase init`; older versions of lsh keep writing.',
    exit: EXIT.failure,
    http: 502,
  },
  SUPABASE_SCHEMA_TOO_NEW: {
    message: 'The Supabase project has version {found} of the schema; this lsh knows versions up to {known}.',
    hint: 'Install the lsh version that made it, or a newer one; `lsh version` shows the version of this lsh.',
    exit: EXIT.failure,
    http: 502,
  },
  SUPABASE_KEY_READS_ONLY: {
    message: 'The key of the role {role} may not write to the Supabase project.',
    hint: 'Set SUPABASE_SERVICE_ROLE_KEY to the project’s service role key, or to a secret key (sb_secret_…).',
    exit: EXIT.failure,
    http: 403,
  },
  SUPABASE_SIGNED_OUT: {
    message: 'You are not signed in to the Supabase project at {url}, and its public key reads nothing.',
    hint: 'Sign in with `lsh supabase login`, or set SUPABASE_SERVICE_ROLE_KEY.',
    exit: EXIT.failure,
    http: 401,
  },
  SUPABASE_SIGN_IN_REFUSED: {
    message: 'The Supabase project at {url} refused the sign-in: {detail}.',
    hint: 'Check e-mail and password, SUPABASE_URL and SUPABASE_ANON_KEY.',
    exit: EXIT.failure,
    http: 401,
  },
  SUPABASE_SESSION_ENDED: {
    message: 'Your session in the Supabase project at {url} has ended: {detail}.',
    hint: 'Sign in again: `lsh supabase login`.',
    exit: EXIT.failure,
    http: 401,
  },
  SUPABASE_SESSION_UNSAFE: {
    message: 'lsh does not use the session file {path}: {detail}.',
    hint: 'If others may have read it, end your sessions in the project. Remove the file, then sign in again: `lsh supabase login`.',
    exit: EXIT.failure,
    http: 500,
  },
  SUPABASE_SESSION_BUSY: {
    message: 'Another process has held the lock {path} for half a minute.',
    hint: 'Find the process with `fuser -v "{path}"` and end it.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  SUPABASE_TEAM_UNKNOWN: {
    message: 'You are no member of the team "{team}": {detail}.',
    hint: 'Name one of your teams with LSH_TEAM or `lsh supabase login --team`, or have the project’s owner add you to lsh_members.',
    exit: EXIT.failure,
    http: 403,
  },
  ORIGIN_NOT_FOUND: {
    message: 'No machine or cluster of the team {team} is named "{name}".',
    hint: 'List them with `lsh cron list --remote -o wide`; LSH_TEAM names the team.',
    exit: EXIT.notFound,
    http: 404,
  },
  CLOCK_SKEWED: {
    message: 'The clock of this machine is {by} {direction} the clock of {url}.',
    hint: 'Set the clock, for example with an NTP client: rows carry the times of the machine that ran the job.',
    exit: EXIT.failure,
    http: 500,
  },
  DATABASE_UNREACHABLE: {
    message: 'The database at {host} cannot be reached: {detail}.',
    hint: 'Check SUPABASE_DB_URL, and that the project is not paused.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  DATABASE_REFUSED: {
    message: 'The database at {host} refused: {detail}.',
    hint: 'Take SUPABASE_DB_URL from the project’s page Connect; `lsh supabase init --dry-run` prints the statements for its SQL editor.',
    exit: EXIT.failure,
    http: 502,
  },
  // the cluster
  KUBECONFIG_MISSING: {
    message: 'No cluster is configured: {detail}.',
    hint: 'Give --kubeconfig FILE or set KUBECONFIG; inside a pod, lsh uses the service account.',
    exit: EXIT.usage,
    http: 500,
  },
  KUBECONFIG_INVALID: {
    message: 'lsh cannot use the kubeconfig: {detail}.',
    hint: 'Give --kubeconfig and --context; `kubectl config get-contexts` lists the contexts.',
    exit: EXIT.usage,
    http: 500,
  },
  NAMESPACE_NOT_FOUND: {
    message: 'There is no namespace "{namespace}" in the cluster.',
    hint: 'Name an existing one with --namespace; `kubectl get namespaces` lists them.',
    exit: EXIT.notFound,
    http: 404,
  },
  CRD_MISSING: {
    message: 'The cluster at {server} does not know LshJob.',
    hint: 'Install the definition with `kubectl apply -f deploy/crd.yaml`, or all of lsh with its Helm chart.',
    exit: EXIT.failure,
    http: 500,
  },
  CLUSTER_UNREACHABLE: {
    message: 'The cluster at {server} cannot be reached: {detail}.',
    hint: 'Check that the cluster answers `kubectl version`; --context selects another cluster.',
    exit: EXIT.failure,
    http: 502,
    retryable: true,
  },
  CLUSTER_UNAUTHORIZED: {
    message: 'The cluster at {server} did not accept your credentials.',
    hint: 'Log in again, or select a context with another user with --context.',
    exit: EXIT.failure,
    http: 401,
  },
  CLUSTER_FORBIDDEN: {
    message: 'You may not {verb} {resource} in {scope}.',
    hint: 'Ask the cluster’s administrator for the right; `kubectl auth can-i {verb} {resource}` shows whether you have it.',
    exit: EXIT.failure,
    http: 403,
  },
  CONTROLLER_SILENT: {
    message: 'No controller has acted on the request for job "{name}" within {seconds} s.',
    hint: 'The request stays recorded. Check that the controller runs: `kubectl get pods -A -l app.kubernetes.io/name=lsh`.',
    exit: EXIT.failure,
    http: 504,
    retryable: true,
  },
  LOG_NOT_KEPT: {
    message: 'The output of run "{name}" is gone: {detail}.',
    hint: 'A user deleted the pod, its node is gone, or its node did not carry out a stop; a log collector of the cluster may still have the output.',
    exit: EXIT.notFound,
    http: 404,
  },
  CRONJOB_NOT_FOUND: {
    message: 'There is no CronJob named "{name}" in namespace "{namespace}".',
    hint: 'List the CronJobs with `kubectl get cronjobs --namespace {namespace}`.',
    exit: EXIT.notFound,
    http: 404,
  },
  JOB_NOT_CARRIED: {
    message: 'lsh cannot convert "{name}": {detail}',
    hint: 'Change the fields named above at the source, or write an LshJob by hand and apply it with `lsh apply -f FILE`.',
    exit: EXIT.usage,
    http: 422,
  },
  IMPORT_CONFLICT: {
    message: 'Job "{name}" was not imported from {source}, and stays as it is.',
    hint: 'Import under another name with --prefix, or remove the job first with `lsh cron remove {name}`.',
    exit: EXIT.failure,
    http: 409,
  },
  CLUSTER_CONFLICT: {
    message: '{object} changed before lsh could write it.',
    hint: 'lsh reads the object and evaluates it again; you need not do anything.',
    exit: EXIT.failure,
    http: 409,
    retryable: true,
  },
  CLUSTER_REFUSED: {
    message: 'The API server did not serve the request: {detail}.',
    hint: 'lsh tries again. `kubectl auth can-i --list` shows the rights of this identity.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  NOT_LEADING: {
    message: 'This controller does not hold the lease, so it writes nothing.',
    hint: '`kubectl get lease -A` shows the holder.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  LEASE_LOST: {
    message: 'This controller has lost the lease, and executes shell runs in its own process, so it ends.',
    hint: '`kubectl get lease -A` shows the holder; the kubelet restarts this container.',
    exit: EXIT.failure,
    http: 503,
  },
  // secrets
  SECRET_KEY_INVALID: {
    message: '"{key}" cannot be the name of a variable.',
    hint: 'A name begins with a letter or an underscore; letters, digits, underscores, dots and hyphens follow.',
    exit: EXIT.usage,
    http: 422,
  },
  SECRET_VALUE_UNWRITABLE: {
    message:
      'The variable {key} cannot be changed: no spelling of a .env file reads back as this value in this place.',
    hint: 'A value cannot hold all three kinds of quotes, or a carriage return beside a written \\n. Encode it, for example as base64, or edit the file by hand.',
    exit: EXIT.usage,
    http: 422,
  },
  SECRETS_KEY_MISMATCH: {
    message: 'No key of this machine opens version {version} of {environment}.',
    hint: 'Send the output of `lsh key show` to a teammate, who runs `lsh key add-recipient NAME RECIPIENT --env {environment}`.',
    exit: EXIT.refused,
    http: 403,
  },
  SECRETS_TAMPERED: {
    message: 'Version {version} of {environment} is not what its author wrote: {detail}.',
    hint: 'lsh uses nothing of it. Compare with a teammate’s `lsh secrets history --env {environment}`, and find out who writes to the store.',
    exit: EXIT.refused,
    http: 403,
  },
  SECRETS_FORMAT_UNKNOWN: {
    message: 'Version {version} of {environment} has format {format}; this lsh reads lsh-secrets/1.',
    hint: 'Update lsh.',
    exit: EXIT.failure,
    http: 422,
  },
  RECIPIENT_INVALID: {
    message: '"{recipient}" is not a recipient of age: {detail}.',
    hint: 'A recipient begins with age1; `lsh key show` and `age-keygen -y` print it. Never send an AGE-SECRET-KEY.',
    exit: EXIT.usage,
    http: 422,
  },
  DELIVERY_REFUSED: {
    message: 'The secrets of {environment} are not delivered to Kubernetes: {detail}.',
    hint: 'Change the variables or the name of the environment, and push again.',
    exit: EXIT.refused,
    http: 422,
  },
  SECRETS_STORE_UNAVAILABLE: {
    message: 'The secrets are in the Supabase project at {url}, which cannot be reached: {detail}.',
    hint: 'lsh reads and writes no other store in its place. Try again when the project answers.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  SECRETS_STORE_REFUSED: {
    message: 'The Supabase project at {url} refused the request for secrets: {detail}.',
    hint: 'Bring its schema up to date (`lsh supabase init`), and check that you are a member of the team that LSH_TEAM names.',
    exit: EXIT.refused,
    http: 502,
  },
  SECRETS_FILE_INVALID: {
    message: 'The file {path} holds no version of secrets, or not the one that its name says.',
    hint: 'Restore the file from a backup or from git; lsh never changes it once it is written.',
    exit: EXIT.failure,
    http: 500,
  },
  FILE_UNWRITABLE: {
    message: 'The file {path} cannot be written: {detail}.',
    hint: 'Check the path and the permissions of its directory; the file is as it was before.',
    exit: EXIT.failure,
    http: 422,
  },
  SECRETS_KEY_INVALID: {
    message: '{place} holds no key of age, or a line that is none.',
    hint: 'A key is a line that begins with AGE-SECRET-KEY-; `lsh key generate` makes one.',
    exit: EXIT.usage,
    http: 422,
  },
  SECRETS_KEY_MISSING: {
    message: 'This machine has no key of secrets.',
    hint: '`lsh key generate` makes one; a teammate then adds its recipient with `lsh key add-recipient`.',
    exit: EXIT.notFound,
    http: 404,
  },
  KEYS_FILE_OPEN: {
    message: 'Other users may read the keys in {path}: its mode is {mode}.',
    hint: 'Run `chmod 600 {path}`; if others could read the file, replace the key: docs/secrets.md says how.',
    exit: EXIT.refused,
    http: 403,
  },
  PROJECT_SETTINGS_INVALID: {
    message: 'The file {path} is not valid: {detail}.',
    hint: 'It is a JSON object with "project", "secrets" ("user" or "in-repo") and "rotation" ({"prod": "90d"}); `lsh init` writes it.',
    exit: EXIT.usage,
    http: 422,
  },
  SECRETS_BUSY: {
    message: 'Another process writes secrets for too long: it holds {path}.',
    hint: 'Try again; if no lsh runs, find the holder with `fuser {path}`.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  SECRETS_ENVIRONMENT_INVALID: {
    message: '"{environment}" cannot be the name of an environment.',
    hint: 'Use letters, digits, dots, underscores and hyphens, at most 63, as in `--env prod`.',
    exit: EXIT.usage,
    http: 422,
  },
  SECRETS_FILE_MISSING: {
    message: 'There is no file {names} in {directory}.',
    hint: 'Create the file, or name another with --file.',
    exit: EXIT.notFound,
    http: 404,
  },
  SECRETS_FILE_HOLDS_KEY: {
    message: 'The file {path} holds {key}, the key that protects it.',
    hint: 'Remove that line: `lsh key show` names the file in which the key belongs.',
    exit: EXIT.refused,
    http: 422,
  },
  SECRETS_ENVIRONMENT_EMPTY: {
    message: 'No version of {environment} is stored for {project}.',
    hint: '`lsh push --env {environment}` stores the first; `lsh secrets list --all` shows what there is; LSH_PROJECT names another project.',
    exit: EXIT.notFound,
    http: 404,
  },
  SECRETS_KEY_NOT_FOUND: {
    message: 'Environment {environment} has no variable {key}.',
    hint: '`lsh secrets list --env {environment}` shows the names.',
    exit: EXIT.notFound,
    http: 404,
  },
  SECRETS_VERSION_UNKNOWN: {
    message: 'Environment {environment} has no version {version} that this machine can open.',
    hint: '`lsh secrets history --env {environment}` shows the versions; who joined later opens none from before.',
    exit: EXIT.notFound,
    http: 404,
  },
  SECRETS_VERSION_MISSING: {
    message:
      'The store lacks a version of {environment}: version {version} follows {parent}, which is not there.',
    hint: 'lsh uses nothing newer. Restore the store from a backup, or fetch all of the git repository.',
    exit: EXIT.refused,
    http: 409,
  },
  SECRETS_REPLAYED: {
    message:
      'The store answers with version {version} of {environment}, and this machine has seen version {seen}.',
    hint: 'The store was restored from an old backup, or its owner replays an old version. To accept it all the same: `lsh secrets trust --env {environment}`.',
    exit: EXIT.refused,
    http: 409,
  },
  SECRETS_MOVED: {
    message: 'Environment {environment} has moved since this file was last in step with it:',
    hint: '`lsh pull --env {environment} --merge` brings the changes into the file; `lsh push --env {environment} --merge` pushes both; --force overwrites them.',
    exit: EXIT.failure,
    http: 409,
  },
  SECRETS_CLASH: {
    message: 'File and store both changed the same variables of {environment}:',
    hint: '`lsh diff --env {environment}` shows them. Change the file by hand and push with --force, or pull.',
    exit: EXIT.failure,
    http: 409,
  },
  SECRETS_WOULD_LOSE: {
    message: 'The push would lose {count} of the values of {environment}:',
    hint: 'If that is what you want: `lsh push --env {environment} --force`. The versions before keep them.',
    exit: EXIT.refused,
    http: 409,
  },
  SECRETS_HEADS_CLASH: {
    message: 'Two branches changed the same variables of {environment}, both as version {version}:',
    hint: 'Put the right values into the file and run `lsh push --env {environment} --force`: the new version follows both.',
    exit: EXIT.failure,
    http: 409,
  },
  SECRETS_RACE: {
    message: 'Other writers were faster {times} times in a row; nothing was stored for {environment}.',
    hint: 'Run the command again.',
    exit: EXIT.failure,
    http: 409,
    retryable: true,
  },
  ROTATION_GENERATE_FAILED: {
    message: 'The generate command gave no new value of {key}: {detail}.',
    hint: 'Nothing is stored, and {key} keeps its value. The command prints the value alone to stdout.',
    exit: EXIT.failure,
    http: 422,
  },
  ROTATION_ROLLED_BACK: {
    message: 'The rotation of {key} in {environment} was rolled back: {detail}.',
    hint: '{key} keeps the value that it had; `lsh secrets audit --env {environment}` shows the steps. Call rotate again to try another value.',
    exit: EXIT.failure,
    http: 422,
  },
  ROTATION_RETIRE_FAILED: {
    message: 'The retire command did not retire a value of {key} in {environment}: {detail}.',
    hint: 'The environment keeps it beside {key} until the command succeeds. The next call of rotate tries that first.',
    exit: EXIT.failure,
    http: 422,
    retryable: true,
  },
  ROTATION_INTERRUPTED: {
    message: 'The rotation of {key} in {environment} was stopped while its {step} command ran.',
    hint: 'The next call of rotate continues it.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  ROTATION_UNCLEAR: {
    message:
      'The rotation of {key} in {environment} stopped, as its variables contradict each other: {detail}.',
    hint: 'Find out with `lsh secrets history` and `lsh diff` who changed them; `lsh secrets unset --env {environment} {names}` ends the rotation, and retires nothing.',
    exit: EXIT.failure,
    http: 409,
  },
  ROTATION_BUSY: {
    message: 'Another process rotates a variable of {environment}.',
    hint: 'Try again when it has ended.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  RECIPIENT_EXISTS: {
    message: 'Environment {environment} has the recipient {name} already.',
    hint: '`lsh key list --env {environment}` shows who can open it.',
    exit: EXIT.failure,
    http: 409,
  },
  RECIPIENT_UNKNOWN: {
    message: 'Environment {environment} has no recipient {name}.',
    hint: '`lsh key list --env {environment}` shows who can open it.',
    exit: EXIT.notFound,
    http: 404,
  },
  RECIPIENT_LAST: {
    message: 'Without this recipient you could not open {environment} yourself.',
    hint: 'Another recipient can remove you.',
    exit: EXIT.refused,
    http: 409,
  },
  SECRETS_EXPORT_IMPOSSIBLE: {
    message: '{key} cannot be exported as {format}: {detail}.',
    hint: 'Choose another --format, such as json or dotenv.',
    exit: EXIT.failure,
    http: 422,
  },
  SECRETS_IMPORT_ENCRYPTED: {
    message: '{name} is encrypted by {program}, which alone can decrypt it.',
    hint: 'Decrypt it there and hand the result over: `{command} {name} | lsh secrets import -`.',
    exit: EXIT.failure,
    http: 422,
  },
  SECRETS_IMPORT_INVALID: {
    message: '{name} cannot be imported: {detail}.',
    hint: 'lsh imports env files and JSON objects whose values are texts.',
    exit: EXIT.usage,
    http: 422,
  },
  GIT_FAILED: {
    message: 'git failed: {detail}.',
    hint: '`lsh secrets scan` needs git and a repository.',
    exit: EXIT.failure,
    http: 422,
  },
} satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof table;

/** The table, for the program and for the generator of docs/errors.md. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = table;

/** One fault of an input, with its place. */
export interface Problem {
  /** Path of the field, such as `spec.retry.limit`; empty for the whole input. */
  path: string;
  message: string;
}

export interface LshErrorOptions {
  cause?: unknown;
  /** Replaces the hint of the table. */
  hint?: string;
  problems?: Problem[];
  /** Milliseconds that the server asks the client to wait before the next try. */
  retryAfterMs?: number;
}

/** The only error class: the code is API, the message is for people. */
export class LshError extends Error {
  readonly code: ErrorCode;
  readonly fields: Fields;
  readonly hint: string;
  readonly problems: Problem[];
  readonly retryAfterMs: number;

  constructor(code: ErrorCode, fields: Fields = {}, options: LshErrorOptions = {}) {
    super(
      fill(ERRORS[code].message, fields),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'LshError';
    this.code = code;
    this.fields = fields;
    this.hint = options.hint ?? fill(ERRORS[code].hint, fields);
    this.problems = options.problems ?? [];
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }

  get exitStatus(): ExitStatus {
    return ERRORS[this.code].exit;
  }

  get httpStatus(): number {
    return ERRORS[this.code].http;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable === true;
  }

  /** The code as the reason of a condition: SHELL_NOT_ALLOWED becomes ShellNotAllowed. */
  get reason(): string {
    return this.code.toLowerCase().replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  }
}

function fill(template: string, fields: Fields): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(fields[name] ?? whole));
}

/** Error codes of the file system for a disk, or the user's share of it, without room. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

/** Returns an LshError as it is. Turns an error about a full disk into DISK_FULL, and any other value into INTERNAL. */
export function toLshError(thrown: unknown): LshError {
  if (thrown instanceof LshError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  const { code, path } = (thrown ?? {}) as { code?: string; path?: string };
  if (code !== undefined && NO_ROOM.has(code))
    return new LshError('DISK_FULL', { path: path ?? 'the state directory', detail }, { cause: thrown });
  return new LshError('INTERNAL', { detail }, { cause: thrown });
}
