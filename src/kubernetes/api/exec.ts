// Runs a command in a container of a Pod, as `kubectl exec` does, and yields its standard output. Loaded only where a
// command is run: a WebSocket is another protocol than every other call.
import { PassThrough } from 'node:stream';
import { ApiException, Exec, type KubeConfig, type V1Status } from '@kubernetes/client-node';

export interface ExecRequest {
  namespace: string;
  pod: string;
  container: string;
  command: readonly string[];
  signal: AbortSignal;
  /** How long the server may take to open the connection, milliseconds; default 30 s. */
  answerMs?: number;
}

const ANSWER_MS = 30_000;

/** The command ended with another status than 0, or did not begin. */
export class ExecFailure extends Error {
  /** Undefined if the command did not begin. */
  readonly exitStatus: number | undefined;

  /** The message is the end of the command’s standard error, else the server’s word. */
  constructor({ message = 'no reason is given', details }: V1Status, stderr: string) {
    super(stderr.trim().split('\n').at(-1) || message);
    this.name = 'ExecFailure';
    const cause = details?.causes?.find(({ reason }) => reason === 'ExitCode');
    this.exitStatus = cause?.message === undefined ? undefined : Number(cause.message);
  }
}

/** The part of the library’s WebSocket that is used here; the library has no types for it. */
interface Socket {
  on: (event: 'message' | 'close', listener: () => void) => void;
  pause: () => void;
  resume: () => void;
  terminate: () => void;
}

/**
 * Yields what the command writes. Its standard input stays open, and ends with this generator: so the command can
 * notice that its reader has left. Throws ApiException if the server refuses, ExecFailure, and another error if the
 * connection breaks.
 */
export async function* exec(config: KubeConfig, request: ExecRequest): AsyncGenerator<Uint8Array> {
  const { signal } = request;
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const said = endOf(stderr);
  let status: V1Status | undefined;
  const socket = await open(config, request, { stdout, stderr, onStatus: (told) => (status = told) });
  const leave = () => socket.terminate();
  signal.addEventListener('abort', leave);
  // The library does not wait for a slow reader.
  socket.on('message', () => stdout.writableNeedDrain && socket.pause());
  stdout.on('drain', () => socket.resume());
  // Ends the streams, so that the bytes before a break arrive.
  socket.on('close', () => [stdout, stderr].forEach((stream) => stream.end()));
  try {
    if (signal.aborted) leave();
    yield* stdout as AsyncIterable<Uint8Array>;
  } finally {
    signal.removeEventListener('abort', leave);
    leave();
  }
  if (status === undefined) throw new Error('the connection to the pod broke');
  if (status.status !== 'Success') throw new ExecFailure(status, await said);
}

/** The last sentence of a command; a hostile one may write without end. */
const SAID_MAX_LENGTH = 2000;

async function endOf(stream: PassThrough): Promise<string> {
  let end = '';
  for await (const chunk of stream) end = `${end}${String(chunk)}`.slice(-SAID_MAX_LENGTH);
  return end;
}

interface Streams {
  stdout: PassThrough;
  stderr: PassThrough;
  onStatus: (status: V1Status) => void;
}

async function open(
  config: KubeConfig,
  { namespace, pod, container, command, signal, answerMs = ANSWER_MS }: ExecRequest,
  { stdout, stderr, onStatus }: Streams,
): Promise<Socket> {
  // Without an end: what the command reads ends with the connection.
  const stdin = new PassThrough();
  try {
    const words = [...command];
    return await new Exec(withOptions(config, { signal, handshakeTimeout: answerMs })).exec(
      namespace,
      pod,
      container,
      words,
      stdout,
      stderr,
      stdin,
      false,
      onStatus,
    );
  } catch (error) {
    throw refusal(error);
  }
}

/** The configuration, with further options for the request that opens the WebSocket: the library asks it for all of them. */
function withOptions(config: KubeConfig, options: object): KubeConfig {
  const applyToHTTPSOptions: KubeConfig['applyToHTTPSOptions'] = async (known) => {
    await config.applyToHTTPSOptions(known);
    Object.assign(known, options);
  };
  return Object.assign(Object.create(config) as KubeConfig, { applyToHTTPSOptions });
}

/** The library’s WebSocket tells the status of a refusal in a sentence alone. */
function refusal(error: unknown): Error {
  const { message } = error as { message: string };
  if (message === 'Opening handshake has timed out') return new Error('the server does not answer');
  const [, status] = /^Unexpected server response: (\d{3})$/.exec(message) ?? [];
  return status === undefined ? new Error(message) : new ApiException(Number(status), message, undefined, {});
}
