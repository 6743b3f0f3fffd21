// Shell runs of other hosts, which nobody here can see: they are held to be running until the runner over there has
// certainly ended them for want of a controller.
import type { Clock } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import type { Run, RunObservation } from '../../core/run.ts';

export interface AbsentRunsOptions {
  clock: Clock;
  /** From hold() until they are certainly gone, in milliseconds. */
  waitMs: number;
  /** Called for each job whose runs are gone. */
  onGone: (key: JobKey) => void;
}

export class AbsentRuns {
  readonly #options: AbsentRunsOptions;
  #runs: readonly Run[] = [];
  #cancel: (() => void) | undefined;

  constructor(options: AbsentRunsOptions) {
    this.#options = options;
  }

  /** Observes them as running from now on, for as long as it takes. */
  hold(runs: readonly Run[]): void {
    this.close();
    this.#runs = runs;
    if (runs.length > 0) this.#wait(this.#options.clock.monotonic());
  }

  /** By the steady clock: a step of the other one must not make them look gone. */
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

  /** Holds nothing any more. */
  close(): void {
    this.#cancel?.();
    this.#runs = [];
  }
}
