// A stream of bytes that is read on through breaks of its connection. Each reading begins at the first byte again.
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '../../core/backoff.ts';

export interface Resumable {
  /** Reads from the first byte. */
  open: () => AsyncIterable<Uint8Array>;
  /** Whether more may come, although a reading has ended in order. `bytes`: how many have come so far. */
  goesOn: (bytes: number) => Promise<boolean>;
  /** Whether another try would fail like this one. */
  isFinal: (error: unknown) => boolean;
  /** What to throw for a final failure, and for the last of many. */
  failure: (error: unknown) => unknown;
  /** Read on through breaks. */
  follow: boolean;
  signal: AbortSignal;
}

const BACKOFF = { initialMs: 200, maxMs: 5_000, random: Math.random };
/** Breaks in a row, without a byte in between, after which following fails. */
const BREAKS_MAX = 20;

/** The bytes of the stream; a break repeats none. */
export async function* resumed(stream: Resumable): AsyncGenerator<Uint8Array> {
  const { open, goesOn, isFinal, failure, follow, signal } = stream;
  const backoff = new Backoff(BACKOFF);
  let sent = 0;
  for (let breaks = 0; breaks <= BREAKS_MAX; breaks++) {
    try {
      for await (const chunk of withoutFirst(sent, open())) {
        sent += chunk.length;
        breaks = 0;
        backoff.reset();
        yield chunk;
      }
      if (!follow || !(await goesOn(sent))) return;
    } catch (error) {
      if (signal.aborted) return;
      // A proxy may cut a silent connection as a dead one; the next try opens it again.
      if (!follow || isFinal(error) || breaks === BREAKS_MAX) throw failure(error);
    }
    await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
  }
}

async function* withoutFirst(bytes: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let skip = bytes;
  for await (const chunk of chunks) {
    if (chunk.length > skip) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}
