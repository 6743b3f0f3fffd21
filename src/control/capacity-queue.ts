// Jobs with a run that waits for capacity of the runner, by priority.
import type { JobKey } from '../core/job.ts';

const PRIORITIES = 11; // 0 to 10

export class CapacityQueue {
  readonly #byPriority: Set<JobKey>[] = Array.from({ length: PRIORITIES }, () => new Set());
  readonly #priorities = new Map<JobKey, number>();

  get size(): number {
    return this.#priorities.size;
  }

  wait(key: JobKey, priority: number): void {
    this.#priorities.set(key, priority);
    this.#byPriority[priority]?.add(key);
  }

  leave(key: JobKey): void {
    const priority = this.#priorities.get(key);
    if (priority === undefined) return;
    this.#priorities.delete(key);
    this.#byPriority[priority]?.delete(key);
  }

  /** Removes and returns up to `count` keys, highest priority first; keys of one priority in order of arrival. */
  take(count: number): JobKey[] {
    const taken: JobKey[] = [];
    for (const queue of this.#byPriority.toReversed()) {
      for (const key of queue) {
        if (taken.length >= count) return taken;
        this.leave(key);
        taken.push(key);
      }
    }
    return taken;
  }
}
