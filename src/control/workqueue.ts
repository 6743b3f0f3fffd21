// The workqueue of keys: deduplicated, one worker per key at a time, ordered by priority, with wake-up times
// and a rate-limited way back for failures. The heap of wake-ups is the evaluation of all schedules at once.
import { exponentialDelay } from '../core/backoff.ts';
import type { JobKey } from '../core/job.ts';
import { WakeHeap } from './wake-heap.ts';
import type { Clock } from './ports.ts';

const PRIORITIES = 11; // 0 to 10
const RETRY_MS = { initial: 5, max: 60_000 };
/** A difference between the wall clock and the steady one that is a step or a sleep, not a slow timer. */
const CLOCK_STEP_MS = 1000;

export interface WorkqueueOptions {
  clock: Clock;
  /** Longest time between two looks at what is due, milliseconds; default 60 s. */
  evaluationIntervalMs?: number;
  /** Order of a key among those that are ready, 0 to 10, highest first. */
  priorityOf: (key: JobKey) => number;
  /** Called when something became ready. */
  onReady: () => void;
  /** Called for each key that became ready; `again` after a failure. */
  onQueued?: (again: boolean) => void;
  /** Called with the milliseconds by which the wall clock moved on its own (negative: back). */
  onClockStep: (stepMs: number) => void;
}

export class Workqueue {
  readonly #options: WorkqueueOptions;
  readonly #ready: ReadyKeys[] = Array.from({ length: PRIORITIES }, newReadyKeys);
  readonly #processing = new Set<JobKey>();
  readonly #dirty = new Set<JobKey>();
  readonly #failures = new Map<JobKey, number>();
  readonly #wakeUps = new WakeHeap();
  #timer: { at: number; cancel: () => void } | undefined;
  #steady: number;
  #wall: number;

  constructor(options: WorkqueueOptions) {
    this.#options = options;
    this.#wall = options.clock.now();
    this.#steady = options.clock.monotonic();
  }

  /** Keys that are ready and have not been taken. */
  get depth(): number {
    return this.#ready.reduce((sum, { keys }) => sum + keys.size, 0);
  }

  /** Starts looking at the clock. */
  start(): void {
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Makes the key ready; one that is being worked on comes back afterwards. */
  add(key: JobKey): void {
    this.#enqueue(key);
    this.#options.onReady();
  }

  /** Sets when the key becomes ready by itself; replaces what was set before. */
  wakeAt(key: JobKey, at: number): void {
    this.#wakeUps.set(key, at);
    const earliest = this.#wakeUps.earliest;
    if (this.#timer !== undefined && earliest !== undefined && earliest < this.#timer.at) this.#arm();
  }

  /** Makes the key ready after a delay that doubles with each failure in a row, or a longer one; answers with it. */
  retry(key: JobKey, atLeastMs = 0): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const delayMs = Math.max(atLeastMs, exponentialDelay(failures, RETRY_MS));
    this.wakeAt(key, this.#options.clock.now() + delayMs);
    return delayMs;
  }

  /** The next key to work on, highest priority first; done() must follow. */
  take(): JobKey | undefined {
    for (let priority = PRIORITIES - 1; priority >= 0; priority--) {
      const key = takeOldest(this.#ready[priority]!);
      if (key === undefined) continue;
      // From all of them: its priority may have changed since it was added.
      for (const { keys } of this.#ready) keys.delete(key);
      this.#processing.add(key);
      return key;
    }
    return undefined;
  }

  /** The worker has finished with the key. */
  done(key: JobKey, succeeded: boolean): void {
    if (succeeded) this.#failures.delete(key);
    this.#processing.delete(key);
    if (this.#dirty.delete(key)) this.#enqueue(key);
  }

  #enqueue(key: JobKey): void {
    if (this.#processing.has(key)) this.#dirty.add(key);
    else {
      this.#ready[this.#options.priorityOf(key)]?.keys.add(key);
      this.#options.onQueued?.(this.#failures.has(key));
    }
  }

  #arm(): void {
    this.#timer?.cancel();
    const { clock, evaluationIntervalMs = 60_000 } = this.#options;
    const at = Math.min(this.#wakeUps.earliest ?? Infinity, clock.now() + evaluationIntervalMs);
    this.#timer = { at, cancel: clock.at(at, () => this.#evaluate()) };
  }

  /** Everything that is due becomes ready; costs by what is due, not by how many jobs there are. */
  #evaluate(): void {
    const now = this.#options.clock.now();
    let found = false;
    for (let key = this.#wakeUps.takeDue(now); key !== undefined; key = this.#wakeUps.takeDue(now)) {
      this.#enqueue(key);
      found = true;
    }
    this.#noticeClockStep(now);
    this.#arm();
    if (found) this.#options.onReady();
  }

  #noticeClockStep(now: number): void {
    const steady = this.#options.clock.monotonic();
    const stepMs = now - this.#wall - (steady - this.#steady);
    this.#wall = now;
    this.#steady = steady;
    if (Math.abs(stepMs) > CLOCK_STEP_MS) this.#options.onClockStep(Math.round(stepMs));
  }
}

/**
 * Keys in the order in which they came. A new iterator would step over the gaps of all that were taken before, so
 * one goes on through what is added later.
 */
interface ReadyKeys {
  keys: Set<JobKey>;
  cursor: SetIterator<JobKey>;
}

function newReadyKeys(): ReadyKeys {
  const keys = new Set<JobKey>();
  return { keys, cursor: keys.values() };
}

function takeOldest(ready: ReadyKeys): JobKey | undefined {
  if (ready.keys.size === 0) return undefined;
  let next = ready.cursor.next();
  // An iterator that has once come to the end stays there.
  if (next.done) {
    ready.cursor = ready.keys.values();
    next = ready.cursor.next();
  }
  if (next.done) return undefined;
  ready.keys.delete(next.value);
  return next.value;
}
