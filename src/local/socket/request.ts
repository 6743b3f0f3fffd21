// Parses one request on the socket into a command with its payload. Clients are not trusted: sizes, types and versions
// are checked first.
import type { IncomingMessage } from 'node:http';
import { LshError } from '../../core/errors.ts';
import { PROTOCOL_VERSION, REQUEST_MAX_BYTES, type Command, type LOG_COMMAND } from './protocol.ts';
import { isCommand } from './routes.ts';

/** The JSON body of a request; the response repeats the id. */
export interface Envelope {
  id: string | null;
  payload: unknown;
}

/**
 * Reads the body; throws REQUEST_TOO_LARGE beyond REQUEST_MAX_BYTES. Reads also a larger body to its end: a client sees
 * the response only after it has sent the whole request.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= REQUEST_MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > REQUEST_MAX_BYTES) throw new LshError('REQUEST_TOO_LARGE', { limit: REQUEST_MAX_BYTES });
  return Buffer.concat(chunks);
}

const PATH = /^\/v(\d{1,6})\/([\w.-]{1,64})$/;

/** Reads the command from method and path. Throws UNKNOWN_COMMAND, PROTOCOL_MISMATCH, REQUEST_INVALID. */
export function parseCommand({ method, url = '' }: IncomingMessage): Command | typeof LOG_COMMAND {
  const [, version, command] = PATH.exec(url) ?? [];
  if (version === undefined || command === undefined) {
    throw new LshError('UNKNOWN_COMMAND', { command: url.slice(0, 100) });
  }
  if (Number(version) !== PROTOCOL_VERSION) {
    throw new LshError('PROTOCOL_MISMATCH', { daemon: PROTOCOL_VERSION, client: Number(version) });
  }
  if (!isCommand(command)) throw new LshError('UNKNOWN_COMMAND', { command });
  if (method !== 'POST') {
    throw new LshError('REQUEST_INVALID', { detail: `the method is ${method}, not POST` });
  }
  return command;
}

/** Takes an empty body for `{}`. Throws REQUEST_INVALID for any other body than a JSON object with a short id. */
export function parseEnvelope(body: Buffer): Envelope {
  if (body.length === 0) return { id: null, payload: {} };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch (error) {
    const detail = `the body is not JSON (${(error as Error).message})`;
    throw new LshError('REQUEST_INVALID', { detail }, { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new LshError('REQUEST_INVALID', { detail: 'the body is not a JSON object' });
  }
  const { id, payload } = parsed as { id?: unknown; payload?: unknown };
  if (id !== undefined && (typeof id !== 'string' || id.length > 128)) {
    throw new LshError('REQUEST_INVALID', { detail: 'id is not a string of at most 128 characters' });
  }
  return { id: id ?? null, payload: payload ?? {} };
}
