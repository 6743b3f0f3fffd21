// What travels over the socket: commands, their types, the envelope, the version. Shared by client and server,
// and therefore cheap to load: the schemas are in routes.ts, which only the server imports.
//
//   POST /v1/<command>  {"id": "...", "payload": {...}}   ->   {"id": "...", "result": ...}
//                                                         or   {"id": "...", "error": {...}} with its status
import type { JobApi } from '../../contracts/job-api.ts';
import { ERRORS, LshError, type ErrorCode, type Problem } from '../../core/errors.ts';

/** Counts changes that an older client or daemon would misunderstand. */
export const PROTOCOL_VERSION = 1;
/** Header of every request and answer: the version of the program that wrote it. */
export const VERSION_HEADER = 'lsh-version';
/** Largest request body, in bytes. */
export const REQUEST_MAX_BYTES = 1024 * 1024;

/** What `lsh daemon status` shows. */
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
}

/** What a person can ask of the daemon itself. */
export interface DaemonApi {
  status(request: Record<string, never>): Promise<DaemonStatus>;
  /** Answers first, then ends the daemon; running jobs go on and are adopted by the next one. */
  shutdown(request: Record<string, never>): Promise<{ pid: number }>;
}

/** Names as they travel; the part after the dot is the method. */
export const JOB_COMMANDS = [
  'job.put',
  'job.list',
  'job.get',
  'job.remove',
  'job.suspend',
  'job.trigger',
  'job.stop',
  'job.runs',
  'job.run',
  'job.slots',
  'job.stats',
] as const satisfies `job.${Exclude<keyof JobApi, 'log'>}`[];
export const DAEMON_COMMANDS = ['daemon.status', 'daemon.shutdown'] as const;
/** The one command whose answer is a stream of bytes. */
export const LOG_COMMAND = 'job.log';

type Calls = { [K in keyof Omit<JobApi, 'log'> as `job.${K}`]: JobApi[K] } & {
  [K in keyof DaemonApi as `daemon.${K}`]: DaemonApi[K];
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

/** The error as it was thrown on the other side; a code that this version does not know becomes INTERNAL. */
export function fromWire({ code, message, hint, fields, problems }: WireError): LshError {
  if (!Object.hasOwn(ERRORS, code))
    return new LshError('INTERNAL', { detail: `${code}: ${message}` }, { hint });
  return new LshError(code as ErrorCode, fields, { hint, problems });
}
