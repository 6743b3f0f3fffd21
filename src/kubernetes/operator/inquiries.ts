// Questions to the API server that the observation of a run waits for: one at a time about each subject, and again a
// second after one that was not answered, or when the server wants to be asked again.
import type { Clock, Logger } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import { describeError, retryAfterMs } from '../api/api-errors.ts';

/** Between two questions about the same, at the least, milliseconds. */
const ASK_AGAIN_MS = 1_000;

export interface InquiriesOptions {
  clock: Clock;
  logger: Logger;
  /** Called when a question about a run of the job may be asked again. */
  again: (key: JobKey) => void;
}

/** What a question is about. */
export interface Subject {
  key: JobKey;
  run: string;
  /** Tells questions apart. */
  id: string;
}

export class Inquiries {
  readonly #options: InquiriesOptions;
  readonly #open = new Set<string>();
  readonly #timers = new Set<() => void>();
  #closed = false;

  constructor(options: InquiriesOptions) {
    this.#options = options;
  }

  /** Asks, unless the answer to the same is on its way. */
  ask(subject: Subject, question: () => Promise<void>): void {
    const { id } = subject;
    if (this.#open.has(id)) return;
    this.#open.add(id);
    question().then(
      () => this.#open.delete(id),
      (error: unknown) => this.#unanswered(subject, error),
    );
  }

  #unanswered({ key, run, id }: Subject, error: unknown): void {
    if (this.#closed) return;
    const { clock, logger, again } = this.#options;
    const retryInMs = Math.max(ASK_AGAIN_MS, retryAfterMs(error) ?? 0);
    const fields = { job: key, run, error: describeError(error), retryInMs };
    logger.warn(fields, 'what became of a run cannot be read yet');
    const cancel = clock.at(clock.now() + retryInMs, () => {
      this.#timers.delete(cancel);
      this.#open.delete(id);
      again(key);
    });
    this.#timers.add(cancel);
  }

  /** Asks nothing again. */
  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }
}
