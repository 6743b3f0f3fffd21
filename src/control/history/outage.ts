// Failures of the team's history in a row: when to try again, and what jobs hear once the failures last.
import { Backoff } from '../../core/backoff.ts';
import type { LshError } from '../../core/errors.ts';
import type { HistoryTrouble } from '../../core/decide/history-sync.ts';
import type { Clock } from '../ports.ts';

const RETRY = { initialMs: 1_000, maxMs: 60_000 };
/** Longest wait that a server may ask for, milliseconds. */
const RETRY_AFTER_MAX_MS = 300_000;
/** Jobs hear of failures that last this long, milliseconds: a project that restarts is back sooner. */
const LASTING_MS = 7_000;

export class HistoryOutage {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #backoff = new Backoff(RETRY);
  #failingSince = 0;
  #trouble: HistoryTrouble | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Why writes fail; undefined until the failures last. */
  get trouble(): HistoryTrouble | undefined {
    return this.#trouble;
  }

  /** Records a failed write. Returns the milliseconds until the next try. */
  failed({ reason, message, hint, retryAfterMs }: LshError): number {
    const now = this.#clock.monotonic();
    if (this.#backoff.failures === 0) this.#failingSince = now;
    const isLasting = now - this.#failingSince >= LASTING_MS;
    if (isLasting) this.#trouble = { reason, message, hint };
    return this.#backoff.next(Math.min(retryAfterMs, RETRY_AFTER_MAX_MS));
  }

  /** Records a successful write. Returns whether it ends a trouble. */
  succeeded(): boolean {
    const hadTrouble = this.#trouble !== undefined;
    this.#trouble = undefined;
    this.#backoff.reset();
    return hadTrouble;
  }
}
