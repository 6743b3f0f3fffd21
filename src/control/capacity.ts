// Free capacity of each runner: the jobs that wait for it, and the share that starts under way take. Per executor, because
// free capacity of one runner cannot start a run of another.
import { EXECUTOR_NAMES, type Executor } from '../core/executor.ts';
import type { JobKey } from '../core/job.ts';
import { CapacityQueue } from './capacity-queue.ts';
import type { StartRate } from './related/start-rate.ts';
import type { Runners } from './runners.ts';

interface Lane {
  waiting: CapacityQueue;
  reserved: number;
}

function newLanes(): Record<Executor, Lane> {
  const lanes = EXECUTOR_NAMES.map((name) => [name, { waiting: new CapacityQueue(), reserved: 0 }]);
  return Object.fromEntries(lanes) as Record<Executor, Lane>;
}

export class Capacity {
  readonly #runners: Runners;
  readonly #lanes = newLanes();

  /** Undefined without a limit. */
  readonly #rate: StartRate | undefined;

  constructor(runners: Runners, rate: StartRate | undefined) {
    this.#runners = runners;
    this.#rate = rate;
  }

  /** How many more runs of the executor may start now; none without a runner. */
  free(executor: Executor): number {
    const capacity = (this.#runners.of(executor)?.capacity() ?? 0) - this.#lanes[executor].reserved;
    return this.#rate === undefined ? capacity : Math.min(capacity, this.#rate.free());
  }

  wait(key: JobKey, executor: Executor, priority: number): void {
    this.#lanes[executor].waiting.wait(key, priority);
  }

  leave(key: JobKey): void {
    for (const { waiting } of Object.values(this.#lanes)) waiting.leave(key);
  }

  /** Takes a share for starts that the runner does not count yet. The returned function gives it back. */
  reserve(executor: Executor, starts: number): () => void {
    const lane = this.#lanes[executor];
    lane.reserved += starts;
    this.#rate?.took(starts);
    return () => void (lane.reserved -= starts);
  }

  /** Milliseconds until the rate of starts lets waiting keys start; undefined if nothing waits for that. */
  get rateWaitMs(): number | undefined {
    const waits = Object.values(this.#lanes).some(({ waiting }) => waiting.size > 0);
    const waitMs = waits ? this.#rate?.waitMs() : undefined;
    return waitMs === 0 ? undefined : waitMs;
  }

  /** Removes and returns the keys that waited for capacity and may start a run now. */
  takeUnblocked(): JobKey[] {
    return this.#runners.executors.flatMap((executor) => {
      const { waiting } = this.#lanes[executor];
      return waiting.size === 0 ? [] : waiting.take(this.free(executor));
    });
  }
}
