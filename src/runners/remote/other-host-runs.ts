// Shell runs on other hosts, which this controller cannot see: they are presumed to run until the runner there must
// have ended them, because no controller renewed its lease.
import type { Clock } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import type { Run, RunObservation } from '../../core/run.ts';

export interface OtherHostRunsOptions {
  clock: Clock;
  /** From presumeRunning() until the other runner has certainly ended its runs, in milliseconds. */
  waitMs: number;
  /** Called for each job whose runs are gone. */
  onGone: (key: JobKey) => void;
}

export class OtherHostRuns {
  readonly #options: OtherHostRunsOptions;
  #runs: readonly Run[] = [];
  #cancel: (() => void) | undefined;

  constructor(options: OtherHostRunsOptions) {
    this.#options = options;
  }

  /** Observes the runs as Running from now on, for `waitMs`. */
  presumeRunning(runs: readonly Run[]): void {
    this.close();
    this.#runs = runs;
    if (runs.length > 0) this.#wait(this.#options.clock.monotonic());
  }

  /** Measures on the monotonic clock: a step of the wall clock must not make living runs look gone. */
  #wait(since: number): void {
    const { clock, waitMs, onGone } = this.#options;
    const restMs = since + waitMs - clock.monotonic();
    if (restMs > 0) {
      this.#cancel = clock.at(clock.now() + Math.ceil(restMs), () => this.#wait(since));
      return;
    }
    const keys = new Set(this.#runs.map(({ job }) => job));
    this.#runs = [];
    for (const key of keys) onGone(key);
  }

  observe(key: JobKey): RunObservation[] {
    return this.#runs
      .filter(({ job }) => job === key)
      .map(({ name, startedAt, createdAt }) => ({
        name,
        state: 'Running',
        startedAt: startedAt ?? createdAt,
      }));
  }

  /** Forgets all runs. */
  close(): void {
    this.#cancel?.();
    this.#runs = [];
  }
}
