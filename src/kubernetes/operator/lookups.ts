// Reads from the API server that the observation of a run waits for: one at a time per subject, repeated in a second if the
// answer is not final yet, and after a failure in a second, or when the server asks for it.
import type { Clock, Logger } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import { describeError, retryAfterMs } from '../api/api-errors.ts';

/** Shortest time before a lookup is repeated, milliseconds. */
const RETRY_MS = 1_000;

export interface LookupsOptions {
  clock: Clock;
  logger: Logger;
  /** Called when a lookup for a run of the job may be repeated. */
  onRetry: (key: JobKey) => void;
}

/** The run that a lookup is for. */
export interface Subject {
  key: JobKey;
  run: string;
  /** Unique per lookup. */
  id: string;
}

export class Lookups {
  readonly #options: LookupsOptions;
  readonly #pending = new Set<string>();
  readonly #timers = new Set<() => void>();
  #closed = false;

  constructor(options: LookupsOptions) {
    this.#options = options;
  }

  /** Starts a lookup, unless the same one is under way or waits for its retry. */
  start(subject: Subject, lookup: () => Promise<void | 'later'>): void {
    const { id } = subject;
    if (this.#pending.has(id)) return;
    this.#pending.add(id);
    lookup().then(
      (answer) => {
        if (answer === 'later') this.#repeatIn(RETRY_MS, subject);
        else this.#pending.delete(id);
      },
      (error: unknown) => this.#failed(subject, error),
    );
  }

  #failed(subject: Subject, error: unknown): void {
    if (this.#closed) return;
    const { key, run } = subject;
    const retryInMs = Math.max(RETRY_MS, retryAfterMs(error) ?? 0);
    const fields = { job: key, run, error: describeError(error), retryInMs };
    this.#options.logger.warn(fields, 'state of a run could not be read');
    this.#repeatIn(retryInMs, subject);
  }

  #repeatIn(ms: number, { key, id }: Subject): void {
    if (this.#closed) return;
    const { clock, onRetry } = this.#options;
    const cancel = clock.at(clock.now() + ms, () => {
      this.#timers.delete(cancel);
      this.#pending.delete(id);
      onRetry(key);
    });
    this.#timers.add(cancel);
  }

  /** Cancels every retry. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}
