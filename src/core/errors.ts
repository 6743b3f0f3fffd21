// Every error a user can meet: a stable code, a sentence, a hint, an exit status. docs/errors.md is made from it.

/** Exit statuses of the command line. */
export const EXIT = { ok: 0, failure: 1, usage: 2, notRunning: 3, notFound: 4, refused: 5 } as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

type Fields = Record<string, string | number>;

interface ErrorEntry {
  /** The sentence; `{field}` is replaced by the field of that name. */
  message: string;
  /** What to do next, most often a command. */
  hint: string;
  exit: ExitStatus;
  /** HTTP status on the daemon’s socket. */
  http: number;
  /** Whether the same call may succeed later with nothing changed. */
  retryable?: true;
}

const table = {
  // the program itself
  INTERNAL: {
    message: 'Something went wrong inside lsh: {detail}.',
    hint: 'Please report it with the output of `lsh doctor` and the end of `lsh daemon logs`.',
    exit: EXIT.failure,
    http: 500,
  },
  USAGE: {
    message: '{detail}',
    hint: 'Run the command with --help to see how it is called.',
    exit: EXIT.usage,
    http: 400,
  },
  ENVIRONMENT_INVALID: {
    message: 'The environment is not valid: {detail}',
    hint: 'Correct the variables named above; docs/configuration.md lists them all, `lsh doctor` shows them.',
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
    message: 'The editor "{editor}" ended with {status}; nothing was changed.',
    hint: 'Name another one with EDITOR, or use `lsh cron export NAME`, edit, `lsh apply -f FILE`.',
    exit: EXIT.failure,
    http: 500,
  },
  SERVICE_UNSUPPORTED: {
    message: 'There is no service manager that lsh knows on {platform}.',
    hint: 'Let yours run `lsh daemon run` in the foreground.',
    exit: EXIT.failure,
    http: 500,
  },
  SERVICE_COMMAND_FAILED: {
    message: '`{command}` failed: {detail}',
    hint: 'See what is written with `lsh daemon install --print`; `lsh daemon start` needs no service manager.',
    exit: EXIT.failure,
    http: 500,
  },
  CLOCK_WRONG: {
    message: 'The clock of this machine says {now}, which cannot be.',
    hint: 'Set the clock; schedules follow it.',
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
  JOB_NOT_FOUND: {
    message: 'There is no job named "{name}".',
    hint: 'See the jobs there are with `lsh cron list`.',
    exit: EXIT.notFound,
    http: 404,
  },
  SCHEDULE_INVALID: {
    message: 'The schedule "{expression}" is not valid: {detail}.',
    hint: 'Five fields are minute, hour, day of month, month and day of week, as in `0 2 * * 0`; `lsh cron validate EXPR` checks one.',
    exit: EXIT.usage,
    http: 422,
  },
  TIMEZONE_INVALID: {
    message: 'There is no time zone named "{name}".',
    hint: 'Give an IANA name such as UTC, Europe/London or America/New_York.',
    exit: EXIT.usage,
    http: 422,
  },
  COMMAND_REFUSED: {
    message: 'The command was refused: {detail}',
    hint: 'If this is really what you want, see LSH_ALLOW_DANGEROUS_COMMANDS in docs/configuration.md.',
    exit: EXIT.refused,
    http: 403,
  },
  EXECUTOR_UNAVAILABLE: {
    message: 'Executor {executor} is not available here.',
    hint: 'Kubernetes Jobs need a cluster; locally use executor Shell.',
    exit: EXIT.usage,
    http: 422,
  },
  SHELL_NOT_ALLOWED: {
    message: 'Shell runs are not admitted in namespace {namespace}: they share one container.',
    hint: 'Use executor: Job, or have the namespace put on the operator’s list (LSH_SHELL_NAMESPACES).',
    exit: EXIT.refused,
    http: 403,
  },
  SPEC_TOO_LARGE: {
    message: 'The spec has {bytes} bytes; it shares one object with its status and may have {limit}.',
    hint: 'Put large values into a ConfigMap or Secret and name it in envFrom.',
    exit: EXIT.usage,
    http: 422,
  },
  // runs
  RUN_NOT_FOUND: {
    message: 'There is no run named "{name}".',
    hint: 'See the runs of a job with `lsh cron history NAME`.',
    exit: EXIT.notFound,
    http: 404,
  },
  RUN_NONE_YET: {
    message: 'Job "{name}" has not run yet.',
    hint: 'Start it with `lsh cron trigger {name}`, or see when it is due with `lsh cron next {name}`.',
    exit: EXIT.notFound,
    http: 404,
  },
  SPAWN_FAILED: {
    message: 'The command could not be started: {detail}.',
    hint: 'Correct workingDir, shell, envFrom or the command, then try it with `lsh cron trigger NAME --wait`.',
    exit: EXIT.failure,
    http: 500,
  },
  RUN_FORBIDDEN: {
    message: 'Job "{name}" was not started: {detail}.',
    hint: 'Wait for the active run, stop it with `lsh cron stop {name}`, or change concurrencyPolicy.',
    exit: EXIT.failure,
    http: 409,
  },
  RUN_FINISHED: {
    message: 'Run "{name}" has finished and cannot become active again.',
    hint: 'The same run was about to start twice and did not. Nothing is to be done.',
    exit: EXIT.failure,
    http: 409,
    retryable: true,
  },
  // the local daemon: its files
  HOME_MISSING: {
    message: 'There is no place for the state: neither HOME nor XDG_STATE_HOME is set.',
    hint: 'Set HOME, or name a directory with LSH_STATE_DIR.',
    exit: EXIT.failure,
    http: 500,
  },
  STATE_DIR_UNSAFE: {
    message: 'The directory {path} is not safe to use: {detail}.',
    hint: 'Give it to your user (chown, mode 0700), or name another with LSH_STATE_DIR or LSH_RUNTIME_DIR.',
    exit: EXIT.failure,
    http: 500,
  },
  STATE_DIR_UNWRITABLE: {
    message: 'The directory {path} cannot be written: {detail}.',
    hint: 'Make it writable for your user, or name another with LSH_STATE_DIR or LSH_RUNTIME_DIR.',
    exit: EXIT.failure,
    http: 500,
  },
  SOCKET_PATH_TOO_LONG: {
    message: 'The socket path {path} has {bytes} bytes; the system allows {limit}.',
    hint: 'Name a shorter directory with LSH_RUNTIME_DIR, such as /run/user/$(id -u)/lsh.',
    exit: EXIT.failure,
    http: 500,
  },
  // the local daemon: its life
  DAEMON_NOT_RUNNING: {
    message: 'The daemon is not running.',
    hint: 'Start it with `lsh daemon start`.',
    exit: EXIT.notRunning,
    http: 503,
  },
  DAEMON_ALREADY_RUNNING: {
    message: 'A daemon is already running{detail}.',
    hint: 'See it with `lsh daemon status`; replace it with `lsh daemon restart`.',
    exit: EXIT.failure,
    http: 409,
  },
  DAEMON_START_FAILED: {
    message: 'The daemon did not start: {detail}.',
    hint: 'See why in the foreground with `lsh daemon run`.',
    exit: EXIT.failure,
    http: 500,
  },
  DAEMON_STOP_FAILED: {
    message: 'The daemon (process {pid}) is still there {seconds} s after it was told to stop.',
    hint: 'See what it waits for with `lsh daemon logs`; end it with `kill -9 {pid}`: nothing recorded is lost.',
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
    hint: 'See `lsh daemon status` and `lsh daemon logs`; `lsh daemon restart` never ends a running job.',
    exit: EXIT.failure,
    http: 502,
    retryable: true,
  },
  // the local daemon: its requests
  PROTOCOL_MISMATCH: {
    message: 'The daemon speaks protocol {daemon}, this command protocol {client}.',
    hint: 'Replace the daemon by this version with `lsh daemon restart`; running jobs go on.',
    exit: EXIT.failure,
    http: 426,
  },
  UNKNOWN_COMMAND: {
    message: 'The daemon knows no command "{command}".',
    hint: 'Replace the daemon by this version with `lsh daemon restart`; running jobs go on.',
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
    hint: 'Keep data out of the job: put it in a file that the command reads.',
    exit: EXIT.usage,
    http: 413,
  },
  // the runner of the operator’s pod
  RUNNER_UNREACHABLE: {
    message: 'The runner of shell commands cannot be reached: {detail}.',
    hint: 'See the log of its container: `kubectl logs POD -c shell`.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  RUNNER_ALREADY_RUNNING: {
    message: 'Another runner uses {path}.',
    hint: 'Give each runner an LSH_STATE_DIR and an LSH_RUNNER_SOCKET of its own.',
    exit: EXIT.failure,
    http: 409,
  },
  RUNNER_HAS_TOKEN: {
    message: 'A service account token is mounted at {path}, where every command could read it.',
    hint: 'Mount it into the controller’s container only: automountServiceAccountToken: false, and a projected volume there.',
    exit: EXIT.refused,
    http: 403,
  },
  // stores
  STORE_CORRUPT: {
    message: 'The store {path} is damaged: {detail}.',
    hint: 'The file was left as it is. Stop the daemon, move it away with `mv "{path}" "{path}.damaged"` (likewise its -wal and -shm neighbours, if any), then put a copy back or start empty.',
    exit: EXIT.failure,
    http: 500,
  },
  STORE_TOO_NEW: {
    message:
      'The store {path} has schema version {found}; this lsh knows versions up to {known} and left it as it is.',
    hint: 'Install the lsh that wrote it, or a newer one; `lsh version` shows this one.',
    exit: EXIT.failure,
    http: 500,
  },
  STORE_READ_ONLY: {
    message: 'The store {path} cannot be written: {detail}.',
    hint: 'Give the user of the daemon write access to the directory and the file: `ls -la "{directory}"`.',
    exit: EXIT.failure,
    http: 500,
  },
  STORE_FULL: {
    message: 'The store {path} could not be written: {detail}.',
    hint: 'Make room on the disk: `df -h "{directory}"`. What was confirmed before is safe.',
    exit: EXIT.failure,
    http: 507,
    retryable: true,
  },
  STORE_LOCKED: {
    message: 'Another process has locked the store {path}.',
    hint: 'See who has it open with `fuser -v "{path}"`, and end that program.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  STORE_UNUSABLE: {
    message: 'The store {path} cannot be used: {detail}.',
    hint: 'Look at what is there: `ls -la "{directory}"`.',
    exit: EXIT.failure,
    http: 500,
  },
  // the team’s history
  HISTORY_UNAVAILABLE: {
    message: 'The history at {url} cannot be reached: {detail}.',
    hint: 'What has finished stays on its LshJob and is recorded when the project answers again. See that it is not paused.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  HISTORY_REFUSED: {
    message: 'The history at {url} did not record the runs: {detail}.',
    hint: 'Give the project’s service role key in SUPABASE_SERVICE_ROLE_KEY, and apply deploy/supabase/migrations to its database.',
    exit: EXIT.failure,
    http: 502,
  },
  // the cluster
  KUBECONFIG_MISSING: {
    message: 'No cluster is configured: {detail}.',
    hint: 'Give --kubeconfig FILE or set KUBECONFIG; inside a pod the service account is used.',
    exit: EXIT.usage,
    http: 500,
  },
  KUBECONFIG_INVALID: {
    message: 'The kubeconfig cannot be used: {detail}.',
    hint: 'Give --kubeconfig and --context, or see what there is with `kubectl config get-contexts`.',
    exit: EXIT.usage,
    http: 500,
  },
  NAMESPACE_NOT_FOUND: {
    message: 'There is no namespace "{namespace}" in the cluster.',
    hint: 'Name another with --namespace; `kubectl get namespaces` lists them.',
    exit: EXIT.notFound,
    http: 404,
  },
  CRD_MISSING: {
    message: 'The cluster at {server} does not know LshJob.',
    hint: 'Install its definition with `kubectl apply -f deploy/crd.yaml`, or all of lsh with its Helm chart.',
    exit: EXIT.failure,
    http: 500,
  },
  CLUSTER_UNREACHABLE: {
    message: 'The cluster at {server} cannot be reached: {detail}.',
    hint: 'See that it answers with `kubectl version`; --context names another cluster.',
    exit: EXIT.failure,
    http: 502,
    retryable: true,
  },
  CLUSTER_UNAUTHORIZED: {
    message: 'The cluster at {server} did not accept your credentials.',
    hint: 'Log in again, or name another user with --context.',
    exit: EXIT.failure,
    http: 401,
  },
  CLUSTER_FORBIDDEN: {
    message: 'You may not {verb} {resource} in {scope}.',
    hint: 'Ask for a role that allows it; see `kubectl auth can-i {verb} {resource}`.',
    exit: EXIT.failure,
    http: 403,
  },
  CONTROLLER_SILENT: {
    message: 'No controller has acted on the request for job "{name}" within {seconds} s.',
    hint: 'The request stays recorded. See whether the controller runs: `kubectl get pods -A -l app.kubernetes.io/name=lsh`.',
    exit: EXIT.failure,
    http: 504,
    retryable: true,
  },
  LOG_NOT_KEPT: {
    message: 'The output of run "{name}" is no longer kept: {detail}.',
    hint: 'The pod of a run is deleted beyond the history limits; a log collector of the cluster may still have it.',
    exit: EXIT.notFound,
    http: 404,
  },
  CRONJOB_NOT_FOUND: {
    message: 'There is no CronJob named "{name}" in namespace "{namespace}".',
    hint: 'See those there are with `kubectl get cronjobs --namespace {namespace}`.',
    exit: EXIT.notFound,
    http: 404,
  },
  JOB_NOT_CARRIED: {
    message: '"{name}" cannot be carried over: {detail}',
    hint: 'Change what is named above at the source, or write an LshJob by hand and use `lsh apply -f`.',
    exit: EXIT.usage,
    http: 422,
  },
  CLUSTER_CONFLICT: {
    message: '{object} changed while it was written.',
    hint: 'Nothing is to be done: it is read and evaluated again.',
    exit: EXIT.failure,
    http: 409,
    retryable: true,
  },
  CLUSTER_REFUSED: {
    message: 'The API server did not carry out the request: {detail}.',
    hint: 'See what this identity may do with `kubectl auth can-i --list`; it is tried again.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  NOT_LEADING: {
    message: 'This controller does not hold the lease and writes nothing.',
    hint: 'See who holds it with `kubectl get lease -A`.',
    exit: EXIT.failure,
    http: 503,
    retryable: true,
  },
  LEASE_LOST: {
    message: 'The lease was lost; another controller goes on.',
    hint: 'See who holds it with `kubectl get lease -A`; the container is started again by itself.',
    exit: EXIT.failure,
    http: 503,
  },
} satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof table;

/** The table itself, for the program and for the page made from it. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = table;

/** One thing wrong with an input, and where. */
export interface Problem {
  /** Path of the field, such as `spec.retry.limit`; empty for the whole. */
  path: string;
  message: string;
}

export interface LshErrorOptions {
  cause?: unknown;
  /** Replaces the table’s hint where a better one is known. */
  hint?: string;
  problems?: Problem[];
  /** How long whoever refused asks to wait before the next try, milliseconds. */
  retryAfterMs?: number;
}

/** The one error class: the code is API, the message is for people. */
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

  /** The code as a condition’s reason: SHELL_NOT_ALLOWED is ShellNotAllowed. */
  get reason(): string {
    return this.code.toLowerCase().replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  }
}

function fill(template: string, fields: Fields): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(fields[name] ?? whole));
}

/** An unknown thrown value as an LshError; what is already one stays as it is. */
export function toLshError(thrown: unknown): LshError {
  if (thrown instanceof LshError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new LshError('INTERNAL', { detail }, { cause: thrown });
}
