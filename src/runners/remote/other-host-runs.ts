// Shell runs on other hosts, which this controller cannot see: they are presumed to run until their host is gone, or the
// runner there must have ended them, because no controller renewed its lease.
import type { Clock } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import type { Run, RunObservation } from '../../core/run.ts';

export interface OtherHostRunsOptions {
  clock: Clock;
  /** From presumeRunning() until the other runner has certainly ended its runs, in milliseconds. */
  waitMs: number;
  /** Whether the host has ended, and with it its runner and all runs. Does not reject. */
  isGone: (host: string) => Promise<boolean>;
  /** Called for each job whose runs are gone. */
  onGone: (key: JobKey) => void;
}

/** How often the controller asks whether a host is gone, milliseconds. */
const ASK_MS = 1000;

export class OtherHostRuns {
  readonly #options: OtherHostRunsOptions;
  #runs: readonly Run[] = [];
  readonly #timers = new Map<string, () => void>();
  readonly #asking = new Set<string>();

  constructor(options: OtherHostRunsOptions) {
    this.#options = options;
  }

  /** Observes the runs as Running from now on, for `waitMs` at most. */
  presumeRunning(runs: readonly Run[]): void {
    this.close();
    this.#runs = runs;
    const since = this.#options.clock.monotonic();
    for (const host of new Set(runs.map(hostOf))) this.#watch(host, since);
  }

  /** Measures on the monotonic clock: a step of the wall clock must not make living runs look gone. */
  #watch(host: string, since: number): void {
    const { clock, waitMs } = this.#options;
    const restMs = since + waitMs - clock.monotonic();
    if (restMs <= 0) return this.#gone(host);
    const nextMs = Math.ceil(Math.min(restMs, ASK_MS));
    this.#timers.set(
      host,
      clock.at(clock.now() + nextMs, () => this.#watch(host, since)),
    );
    if (!this.#asking.has(host)) void this.#ask(host);
  }

  async #ask(host: string): Promise<void> {
    this.#asking.add(host);
    const isGone = await this.#options.isGone(host);
    this.#asking.delete(host);
    if (isGone) this.#gone(host);
  }

  #gone(host: string): void {
    this.#timers.get(host)?.();
    this.#timers.delete(host);
    const gone = this.#runs.filter((run) => hostOf(run) === host);
    this.#runs = this.#runs.filter((run) => !gone.includes(run));
    for (const key of new Set(gone.map(({ job }) => job))) this.#options.onGone(key);
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
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#runs = [];
  }
}

function hostOf({ host }: Run): string {
  return host ?? '';
}
