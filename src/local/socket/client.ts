// The client of the socket: every command as a method, every failure as an LshError. Each command line call loads it, so
// it imports next to nothing.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { LshError } from '../../core/errors.ts';
import type { JobApi, LogQuery } from '../../contracts/job-api.ts';
import { http } from './http.ts';
import {
  COMMAND_OF,
  LOG_COMMAND,
  PROTOCOL_VERSION,
  REQUEST_MAX_BYTES,
  VERSION_HEADER,
  fromWire,
  type Answer,
  type Command,
  type DaemonApi,
  type Payload,
  type Result,
} from './protocol.ts';
import { isMissing, socketFault } from './trust.ts';

export interface ClientOptions {
  /** Version of the calling program. */
  version: string;
  /** How long a response may take, in milliseconds; default 30 s. A request that waits for a run has no limit. */
  timeoutMs?: number;
  /** The user whose daemon may answer, by number; default: the user of this process. */
  owner?: number;
  /** The socket that the running daemon has recorded; the client tries it if no daemon of the owner has the usual one. */
  recordedSocket?: () => string | undefined;
  /**
   * Called when a response is 2 s late; `timeoutMs` (milliseconds) is how long the client waits in all. For a request
   * without a limit, which waits for a run, it is called without it when the daemon does not answer in between.
   */
  onSilence?: (timeoutMs?: number) => void;
}

const TIMEOUT_MS = 30_000;
/** Longer than an answer takes on a busy machine; a person should know by then why nothing happens. */
const SILENCE_MS = 2_000;

/** The API of the daemon behind the socket. Each call opens a connection. */
export function daemonClient(socketPath: string, options: ClientOptions): JobApi & DaemonApi {
  const connection = { socketPath, timeoutMs: TIMEOUT_MS, ...options };
  const methods = Object.entries(COMMAND_OF).map(([method, command]) => [
    method,
    (payload: Payload<Command>) => call(connection, command, payload),
  ]);
  return {
    ...Object.fromEntries(methods),
    log: (query: LogQuery, signal?: AbortSignal) => log(connection, query, signal),
  } as JobApi & DaemonApi;
}

interface Connection extends ClientOptions {
  socketPath: string;
  timeoutMs: number;
}

async function call<C extends Command>(
  connection: Connection,
  command: C,
  payload: Payload<C>,
): Promise<Result<C>> {
  // The test of a channel may be a command.
  const waits = ('wait' in payload && payload.wait === true) || 'test' in payload;
  const timeoutMs = waits ? 0 : connection.timeoutMs;
  const stopWatching = waits ? watchSilence(connection) : undefined;
  const answered = ask({ ...connection, timeoutMs }, command, payload).finally(stopWatching);
  const { id, response } = await answered;
  const answer = await readAnswer(response);
  if (answer.error) throw fromWire(answer.error);
  if (answer.id !== id) throw unreachable(`it answered request ${answer.id} instead of ${id}`);
  return answer.result as Result<C>;
}

async function* log(
  connection: Connection,
  query: LogQuery,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stopWatching = watchSilence(connection);
  try {
    const { response } = await ask({ ...connection, timeoutMs: 0 }, LOG_COMMAND, query, signal);
    if (response.statusCode !== 200) {
      const { error } = await readAnswer(response);
      throw error ? fromWire(error) : unreachable(`it answered with status ${response.statusCode}`);
    }
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (signal?.aborted) return;
    throw translate(error);
  } finally {
    stopWatching();
  }
}

/**
 * Asks a short question now and then while a request waits for a run: only its answer tells a daemon that waits as well
 * from one that is frozen. Reports each silence once.
 */
function watchSilence(connection: Connection): () => void {
  const { onSilence } = connection;
  if (onSilence === undefined) return () => undefined;
  const question = { ...connection, onSilence: () => onSilence() };
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const askLater = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      // A failure is the waiting request's to report.
      void call(question, 'job.runs', { limit: 1 }).then(askLater, askLater);
    }, SILENCE_MS);
    timer.unref();
  };
  askLater();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

/** No daemon of the owner on the usual socket. */
const ELSEWHERE = new Set<unknown>(['DAEMON_NOT_RUNNING', 'DAEMON_UNTRUSTED']);

/** Sends one request to the daemon, wherever it listens; resolves with the head of the response. */
async function ask(
  connection: Connection,
  command: string,
  payload: unknown,
  signal?: AbortSignal,
): Promise<{ id: string; response: IncomingMessage }> {
  try {
    return await send(connection, command, payload, signal);
  } catch (error) {
    if (!(error instanceof LshError) || !ELSEWHERE.has(error.code)) throw error;
    const socketPath = connection.recordedSocket?.();
    if (socketPath === undefined || socketPath === connection.socketPath) throw error;
    return send({ ...connection, socketPath }, command, payload, signal);
  }
}

async function send(
  { socketPath, version, timeoutMs, owner = process.getuid?.() ?? 0, onSilence }: Connection,
  command: string,
  payload: unknown,
  signal?: AbortSignal,
): Promise<{ id: string; response: IncomingMessage }> {
  // Unique on this machine, which suffices for a Unix socket; loading node:crypto for a UUID takes longer than the call.
  const id = `${process.pid}-${process.hrtime.bigint().toString(36)}`;
  const body = Buffer.from(JSON.stringify({ id, payload }));
  if (body.length > REQUEST_MAX_BYTES) throw new LshError('REQUEST_TOO_LARGE', { limit: REQUEST_MAX_BYTES });
  const fault = socketFault(socketPath, { uid: owner });
  if (fault !== undefined) throw new LshError('DAEMON_UNTRUSTED', { path: socketPath, detail: fault });
  // A connection would say the same, but loading node:http for it takes longer than the rest of the call.
  if (isMissing(socketPath)) throw new LshError('DAEMON_NOT_RUNNING');
  const request = http.request({
    // No agent: each call has its own connection, and an agent would look for a server name to verify.
    createConnection: () => connect(socketPath),
    method: 'POST',
    path: `/v${PROTOCOL_VERSION}/${command}`,
    headers: {
      'content-type': 'application/json',
      'content-length': body.length,
      [VERSION_HEADER]: version,
    },
    ...(signal && { signal }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.once('response', resolve).on('error', (error) => reject(translate(error)));
  limitSilence(request, timeoutMs, onSilence);
  request.end(body);
  return { id, response: await promise };
}

/** A daemon that neither answers nor dies (stopped in a debugger, on a frozen disk) must not block the caller. */
function limitSilence(
  request: ClientRequest,
  timeoutMs: number,
  onSilence: ClientOptions['onSilence'],
): void {
  if (timeoutMs === 0) return;
  const timer = setTimeout(() => onSilence?.(timeoutMs), SILENCE_MS);
  request.once('response', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  request.setTimeout(timeoutMs, () => {
    request.destroy(unreachable(`it did not answer within ${timeoutMs / 1000} s`));
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    throw translate(error);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Answer;
  } catch (error) {
    throw unreachable(`it answered with something that is not JSON (status ${response.statusCode})`, error);
  }
}

function unreachable(detail: string, cause?: unknown): LshError {
  return new LshError('DAEMON_UNREACHABLE', { detail }, { cause });
}

/** No socket, or no listener on it: the daemon is not running. Any other error comes from a daemon in trouble. */
const NOT_RUNNING = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR']);
const DROPPED = new Set(['ECONNRESET', 'EPIPE']);

/** Whether the error of a call says that the connection broke, as that of a daemon does which is just ending. */
export function isDropped(error: unknown): boolean {
  const { code = '' } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return error instanceof LshError && error.code === 'DAEMON_UNREACHABLE' && DROPPED.has(code);
}

function translate(error: unknown): unknown {
  if (error instanceof LshError || !(error instanceof Error) || error.name === 'AbortError') return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (NOT_RUNNING.has(code)) return new LshError('DAEMON_NOT_RUNNING', {}, { cause: error });
  if (DROPPED.has(code)) return unreachable('the connection broke before the answer was complete', error);
  return unreachable(error.message, error);
}
