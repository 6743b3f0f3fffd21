// Reads the output of a run from `lsh runner`, over a connection of its own.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { LshError } from '../../core/errors.ts';
import { PROTOCOL_VERSION } from './protocol.ts';
import { requestRunner, unreachable, type RunnerSocket } from './runner-link.ts';

export interface LogOptions {
  /** Reads on until the run has ended. */
  follow?: boolean;
  signal?: AbortSignal | undefined;
}

/** How long a runner may take to begin its answer. */
const ANSWER_MS = 15_000;

/** Yields nothing for a run without output. Rejects with RUNNER_UNREACHABLE. */
export async function* readRemoteLog(
  socket: RunnerSocket,
  name: string,
  { follow = false, signal }: LogOptions,
): AsyncGenerator<Uint8Array> {
  const path = `/v${PROTOCOL_VERSION}/runs/${name}/log${follow ? '?follow=true' : ''}`;
  const logRequest = requestRunner(socket, { path, ...(signal && { signal }) });
  logRequest.setTimeout(ANSWER_MS, () => logRequest.destroy(new Error('the runner does not answer')));
  logRequest.end();
  try {
    const [response] = (await once(logRequest, 'response')) as [IncomingMessage];
    // A command may be silent for as long as it likes.
    logRequest.setTimeout(0);
    if (response.statusCode !== 200) throw unreachable(`it answered with status ${response.statusCode}`);
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (signal?.aborted) return;
    throw error instanceof LshError ? error : unreachable((error as Error).message, error);
  }
}
