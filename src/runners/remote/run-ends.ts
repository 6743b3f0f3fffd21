// Hears of the ends of runs from `lsh runner` while another controller leads.
import type { Duplex } from 'node:stream';
import type { JobKey } from '../../core/job.ts';
import type { Run, RunEnd } from '../../core/run.ts';
import { IdleTimeout } from './idle-timeout.ts';
import { MessageStream } from './message-stream.ts';
import { HEARTBEATS_PER_LEASE, PROTOCOL_VERSION, UPGRADE, parseEndOfRun } from './protocol.ts';
import { nonceOf, wireNameOf } from './remote-runs.ts';
import { requestRunner, type RunnerSocket } from './runner-link.ts';

/** What the runner says; it may lie. */
export interface ReportedEnd {
  key: JobKey;
  /** With the run's own name. */
  end: RunEnd;
  /** Whether the runner was given this run: it knows the nonce. */
  isOf: (run: Run) => boolean;
}

export interface RunEndsOptions extends RunnerSocket {
  /** How long a runner may be silent before the connection is dropped, in milliseconds. */
  leaseDurationMs: number;
  signal: AbortSignal;
  onOpen: () => void;
  onEnd: (reported: ReportedEnd) => void;
}

/** Resolves when the runner, or the signal, closes the connection. Rejects if it fails. */
export async function hearRunEnds(options: RunEndsOptions): Promise<void> {
  const { leaseDurationMs, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const asked = requestRunner(options, {
    path: `/v${PROTOCOL_VERSION}/ends`,
    headers: { connection: 'upgrade', upgrade: UPGRADE },
    signal,
  });
  asked.setTimeout(leaseDurationMs, () => asked.destroy(new Error('the runner does not answer')));
  asked.once('response', ({ statusCode }) => asked.destroy(new Error(`the runner answered ${statusCode}`)));
  asked.on('error', (error) => (signal.aborted ? resolve() : reject(error)));
  asked.once('upgrade', (_response, socket, head) =>
    hear(options, { socket, head }, (error) => (error && !signal.aborted ? reject(error) : resolve())),
  );
  asked.end();
  await promise;
}

function hear(
  { leaseDurationMs, signal, onOpen, onEnd }: RunEndsOptions,
  { socket, head }: { socket: Duplex; head: Buffer },
  closed: (error: Error | undefined) => void,
): void {
  const idleTimeout = new IdleTimeout(leaseDurationMs, () =>
    stream.destroy(new Error('the runner has fallen silent')),
  );
  const leave = () => stream.destroy();
  const stream = new MessageStream(
    {
      socket,
      heartbeatMs: leaseDurationMs / HEARTBEATS_PER_LEASE,
      onData: () => idleTimeout.refresh(),
      onMessage: (message) => onEnd(readEnd(message)),
      onClose: (error) => {
        idleTimeout.stop();
        signal.removeEventListener('abort', leave);
        closed(error);
      },
    },
    head,
  );
  idleTimeout.refresh();
  signal.addEventListener('abort', leave);
  onOpen();
}

function readEnd(received: unknown): ReportedEnd {
  const message = parseEndOfRun(received);
  if (message === undefined) throw new Error('the runner sent something other than an end');
  const { key, nonce, end } = message;
  const name = end.name.slice(wireNameOf(key, '').length);
  return { key, end: { ...end, name }, isOf: (run) => run.name === name && nonceOf(run) === nonce };
}
