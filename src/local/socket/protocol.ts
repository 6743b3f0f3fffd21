// The protocol of the daemon's socket: commands, their types, the envelope, the version. Client and server share it, so
// it must load fast: the schemas are in routes.ts, which only the server imports.
//
//   POST /v1/<command>  {"id": "...", "payload": {...}}   ->   {"id": "...", "result": ...}
//                                                         or   {"id": "...", "error": {...}} with its status
import type { JobApi } from '../../contracts/job-api.ts';
import type { ChannelStanding } from '../../contracts/notices.ts';
import { ERRORS, LshError, type ErrorCode, type Problem } from '../../core/errors.ts';

/** Grows with each change that an older client or daemon would misunderstand. */
export const PROTOCOL_VERSION = 1;
/** Header of every request and response: the version of the program that sent it. */
export const VERSION_HEADER = 'lsh-version';
/** Largest request body, in bytes. */
export const REQUEST_MAX_BYTES = 1024 * 1024;

/** After a sleep, a timer notices the time within 10 s; a slot without an outcome after 15 s is overdue. */
export const OVERDUE_MS = 15_000;

/** Whether the daemon does its work. `lsh doctor` and `lsh daemon status` judge by the same problems. */
export interface DaemonHealth {
  /** Each reason why runs may not start; empty while all is well. */
  problems: WireError[];
  /** The newest evaluation of a job that succeeded. */
  lastEvaluationAt?: string;
  /** Jobs whose next slot has passed without an outcome. */
  overdueJobs: number;
  /** Jobs that wait for their evaluation. */
  backlog: number;
}

/** Shown by `lsh daemon status`. */
export interface DaemonStatus {
  pid: number;
  version: string;
  protocol: number;
  startedAt: string;
  /** Seconds since then. */
  uptimeSeconds: number;
  stateDir: string;
  socketPath: string;
  logPath: string;
  timeZone: string;
  jobs: { total: number; suspended: number; invalid: number };
  activeRuns: number;
  /** The next slot of all jobs. */
  next?: { job: string; at: string };
  memory: { rssBytes: number; heapUsedBytes: number };
  /** The kept output of all runs, and its limit. */
  output: { bytes: number; maxBytes: number };
  /** The team’s history; absent if no project is configured. */
  history?: {
    url: string;
    /** Changes that it lacks. */
    backlog: number;
    /** When the oldest of them happened. */
    oldestAt?: string;
    /** Why they wait, and the next step. */
    trouble?: { reason: string; message: string; hint: string } | undefined;
  };
  /** The steps of the clock of the last day, newest first. */
  clockSteps: { at: string; to: string; whileAway?: true }[];
  health: DaemonHealth;
}

/** Shown by `lsh daemon metrics`. */
export interface DaemonMetrics {
  /** Lines of the text format of Prometheus. */
  lines: string[];
  jobs: number;
  /** Jobs beyond the limit, which have no metrics of their own. */
  leftOut: number;
}

/** The commands about the daemon itself. */
export interface DaemonApi {
  status(request: Record<string, never>): Promise<DaemonStatus>;
  /** Metrics of at most `perJob` jobs; default: LSH_METRICS_PER_JOB of the daemon. */
  metrics(request: { perJob?: number }): Promise<DaemonMetrics>;
  /**
   * How the channels of notices stand. `retry`: the dead letters of that channel are sent again. `test`: that channel gets a
   * test first. Throws CHANNEL_FAILED.
   */
  notices(request: { retry?: string; test?: string }): Promise<{ channels: ChannelStanding[] }>;
  /** Answers first, then ends the daemon; running jobs go on, and the next daemon adopts them. */
  shutdown(request: Record<string, never>): Promise<{ pid: number }>;
}

type JobMethod = Exclude<keyof JobApi, 'log'>;

/** The command of each method. A method that lacks one does not compile. */
export const COMMAND_OF: { [M in JobMethod]: `job.${M}` } & { [M in keyof DaemonApi]: `daemon.${M}` } = {
  put: 'job.put',
  list: 'job.list',
  get: 'job.get',
  remove: 'job.remove',
  suspend: 'job.suspend',
  trigger: 'job.trigger',
  backfill: 'job.backfill',
  cancelBackfill: 'job.cancelBackfill',
  stop: 'job.stop',
  runs: 'job.runs',
  run: 'job.run',
  slots: 'job.slots',
  stats: 'job.stats',
  noticesOf: 'job.noticesOf',
  status: 'daemon.status',
  metrics: 'daemon.metrics',
  notices: 'daemon.notices',
  shutdown: 'daemon.shutdown',
};
/** The only command whose response is a stream of bytes. */
export const LOG_COMMAND = 'job.log';

type Calls = { [M in JobMethod as `job.${M}`]: JobApi[M] } & {
  [M in keyof DaemonApi as `daemon.${M}`]: DaemonApi[M];
};

export type Command = keyof Calls;
export type Payload<C extends Command> = Parameters<Calls[C]>[0];
export type Result<C extends Command> = Awaited<ReturnType<Calls[C]>>;

export interface WireError {
  code: string;
  message: string;
  hint: string;
  fields: Record<string, string | number>;
  problems: Problem[];
}

export interface Answer {
  id: string | null;
  result?: unknown;
  error?: WireError;
}

export function toWire({ code, message, hint, fields, problems }: LshError): WireError {
  return { code, message, hint, fields, problems };
}

/** Restores the error that the other side threw; a code unknown to this version becomes INTERNAL. */
export function fromWire({ code, message, hint, fields, problems }: WireError): LshError {
  if (!Object.hasOwn(ERRORS, code))
    return new LshError('INTERNAL', { detail: `${code}: ${message}` }, { hint });
  return new LshError(code as ErrorCode, fields, { hint, problems });
}
