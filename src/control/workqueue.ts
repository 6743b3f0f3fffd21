// The workqueue of keys: deduplicated, one worker per key at a time, in lanes and ordered by priority within a lane, with
// wake-up times and rate-limited retries. The heap of wake-ups holds the next instant of every schedule, so one timer
// serves all jobs.
import { exponentialDelay } from '../core/backoff.ts';
import type { JobKey } from '../core/job.ts';
import { WakeHeap } from './wake-heap.ts';
import type { Clock } from './ports.ts';

const PRIORITIES = 11; // 0 to 10
const RETRY_MS = { initial: 5, max: 60_000 };
/** Longest wait of the timer, milliseconds: a step of the wall clock is noticed when it fires. */
const CLOCK_CHECK_MS = 10_000;

/** The lanes of ready keys: may start a run; has news of its runs; owes the record of a start. */
const LANE = { due: 0, news: 1, record: 2 } as const;
type Lane = (typeof LANE)[keyof typeof LANE];
/** Of this many keys in a row, one is of the lane `record` if that has any; the other two lanes share the rest evenly. */
const RECORD_EVERY = 16;

export interface WorkqueueOptions {
  clock: Clock;
  /** Longest time between two checks for due keys, milliseconds; default 60 s. */
  evaluationIntervalMs?: number;
  /** Priority of a key among the ready keys, 0 to 10; highest first. */
  priorityOf: (key: JobKey) => number;
  /** Called when keys became ready. */
  onReady: () => void;
  /** Called for each key that became ready; `again` if it is retried after a failure. */
  onQueued?: (again: boolean) => void;
  /** Called each time the timer fires. */
  onTimer: () => void;
}

export class Workqueue {
  readonly #options: WorkqueueOptions;
  readonly #lanes: ReadyKeys[][] = Object.keys(LANE).map(() =>
    Array.from({ length: PRIORITIES }, newReadyKeys),
  );
  /** Where each ready key is. */
  readonly #places = new Map<JobKey, Place>();
  #taken = 0;
  readonly #processing = new Set<JobKey>();
  /** Keys that changed while a worker had them. */
  readonly #dirty = new Set<JobKey>();
  /** Keys that had news while a worker had them. */
  readonly #withNews = new Set<JobKey>();
  readonly #failures = new Map<JobKey, number>();
  readonly #wakeUps = new WakeHeap();
  #timer: { at: number; cancel: () => void } | undefined;

  constructor(options: WorkqueueOptions) {
    this.#options = options;
  }

  /** Number of ready keys. */
  get depth(): number {
    return this.#places.size;
  }

  /** Arms the timer. */
  start(): void {
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Makes the key ready, because its job changed. If a worker has the key, it becomes ready again after done(). */
  add(key: JobKey): void {
    if (this.#processing.has(key)) this.#dirty.add(key);
    else this.#enqueue(key, LANE.due);
    this.#options.onReady();
  }

  /**
   * As add(), for news of the job’s runs. After a failure they wait for its retry: an evaluation that fails causes news
   * itself, which would bring the next failure at once.
   */
  addNews(key: JobKey): void {
    if (this.#processing.has(key)) this.#withNews.add(key);
    else if (!this.#failures.has(key)) {
      this.#enqueue(key, LANE.news);
      this.#options.onReady();
    }
  }

  /** Sets when the key becomes ready without a change. Replaces its earlier wake-up. */
  wakeAt(key: JobKey, at: number): void {
    this.#wakeUps.set(key, at);
    const earliest = this.#wakeUps.earliest;
    if (this.#timer !== undefined && earliest !== undefined && earliest < this.#timer.at) this.#arm();
  }

  /** Makes the key ready after a delay, which doubles with each failure in a row. Returns the delay. */
  retry(key: JobKey, { atLeastMs = 0, atMostMs = Infinity } = {}): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const delayMs = Math.min(atMostMs, Math.max(atLeastMs, exponentialDelay(failures, RETRY_MS)));
    this.wakeAt(key, this.#options.clock.now() + delayMs);
    return delayMs;
  }

  /**
   * Returns the next key: of the lane whose turn it is, else of the first lane that has one; in a lane, highest priority
   * first. done() must follow.
   */
  take(): JobKey | undefined {
    if (this.#places.size === 0) return undefined;
    for (const lane of [turn(this.#taken++), LANE.due, LANE.news, LANE.record]) {
      const key = takeFirst(this.#lanes[lane]!);
      if (key === undefined) continue;
      this.#places.delete(key);
      this.#processing.add(key);
      return key;
    }
    return undefined;
  }

  /**
   * Ends the work on the key; retry() precedes if it failed. With `owesRecord` the key is ready again when keys that may
   * start runs leave it a turn; until that record is written, the failures before it still count.
   */
  done(key: JobKey, succeeded: boolean, { owesRecord = false } = {}): void {
    if (succeeded && !owesRecord) this.#failures.delete(key);
    this.#processing.delete(key);
    const changed = this.#dirty.delete(key);
    const hasNews = this.#withNews.delete(key) && succeeded;
    if (changed) this.#enqueue(key, LANE.due);
    else if (hasNews) this.#enqueue(key, LANE.news);
    else if (owesRecord) this.#enqueue(key, LANE.record);
  }

  #enqueue(key: JobKey, lane: Lane): void {
    const place = { lane, priority: this.#options.priorityOf(key) };
    const known = this.#places.get(key);
    if (known === undefined || comesBefore(place, known)) {
      if (known !== undefined) this.#keysAt(known).delete(key);
      this.#keysAt(place).add(key);
      this.#places.set(key, place);
    }
    this.#options.onQueued?.(this.#failures.has(key));
  }

  #keysAt({ lane, priority }: Place): Set<JobKey> {
    return this.#lanes[lane]![priority]!.keys;
  }

  #arm(): void {
    this.#timer?.cancel();
    const { clock, evaluationIntervalMs = 60_000 } = this.#options;
    const restMs = Math.min(evaluationIntervalMs, CLOCK_CHECK_MS);
    const at = Math.min(this.#wakeUps.earliest ?? Infinity, clock.now() + restMs);
    this.#timer = { at, cancel: clock.at(at, () => this.#evaluate()) };
  }

  /** Makes every due key ready. The cost depends on the number of due keys, not on the number of jobs. */
  #evaluate(): void {
    this.#options.onTimer();
    const now = this.#options.clock.now();
    let found = false;
    for (let key = this.#wakeUps.takeDue(now); key !== undefined; key = this.#wakeUps.takeDue(now)) {
      if (this.#processing.has(key)) this.#dirty.add(key);
      else this.#enqueue(key, LANE.due);
      found = true;
    }
    this.#arm();
    if (found) this.#options.onReady();
  }
}

function turn(taken: number): Lane {
  if (taken % RECORD_EVERY === RECORD_EVERY - 1) return LANE.record;
  return taken % 2 === 0 ? LANE.due : LANE.news;
}

interface Place {
  lane: Lane;
  priority: number;
}

/** Whether `a` is in an earlier lane than `b`, or has the higher priority in the same lane. */
function comesBefore(a: Place, b: Place): boolean {
  return a.lane === b.lane ? a.priority > b.priority : a.lane < b.lane;
}

function takeFirst(lane: readonly ReadyKeys[]): JobKey | undefined {
  for (let priority = PRIORITIES - 1; priority >= 0; priority--) {
    const key = takeOldest(lane[priority]!);
    if (key !== undefined) return key;
  }
  return undefined;
}

/**
 * Keys in order of arrival. The iterator is kept, because a new one would step over the gap of every key taken before
 * it; the kept one continues with keys that are added later.
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
  // An exhausted iterator stays exhausted.
  if (next.done) {
    ready.cursor = ready.keys.values();
    next = ready.cursor.next();
  }
  if (next.done) return undefined;
  ready.keys.delete(next.value);
  return next.value;
}
