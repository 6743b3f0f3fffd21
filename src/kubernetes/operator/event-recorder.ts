// Writes Kubernetes Events in the background, so that they never delay a run: they wait while the loop has other work, a
// repeated Event increments the count of the first, an object has a budget of Events, and an Event that cannot be written
// is dropped.
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreV1Event } from '@kubernetes/client-node';
import type { Clock, Logger, Recorded } from '../../control/ports.ts';
import { eventText, type EventText } from '../../core/decide/events.ts';
import { API_VERSION, KIND } from '../../core/api-version.ts';
import type { Job } from '../../core/job.ts';
import type { KubeApi } from '../api/fence.ts';
import { describeError } from '../api/api-errors.ts';
import type { Wire } from '../api/objects.ts';

type Event = Wire<CoreV1Event>;

export interface EventRecorderOptions {
  api: KubeApi;
  clock: Pick<Clock, 'now' | 'monotonic'>;
  logger: Logger;
  /** Name of this process, such as the name of its pod. */
  identity: string;
  /** Whether the loop has work that goes first, such as Kubernetes Jobs that wait for their creation; default: never. */
  isBusy?: () => boolean;
}

/** An Event and its repetitions. */
interface Series {
  event: Event;
  /** Whether the server has the Event: the next write is a patch. */
  written: boolean;
}

const COMPONENT = 'lsh-controller';
/** An Event of the same type and reason for the same object within this time joins the series, milliseconds. */
const SERIES_MS = 600_000;
const SERIES_KEPT = 4096;
/** A longer queue drops its oldest Events. */
const QUEUE_MAX_LENGTH = 10_000;
/** Few: the next burst shares the connection with them. */
const WRITERS = 2;
/** Longest wait of an Event for the loop, milliseconds: a loop that is never idle must not lose its Events. */
const BUSY_MAX_MS = 10_000;
const BUSY_CHECK_MS = 50;

/** Events that an object may have at once; one more every BUDGET_REFILL_MS. As client-go’s spam filter. */
const BUDGET_BURST = 25;
const BUDGET_REFILL_MS = 300_000;
const BUDGETS_KEPT = 4096;

/** A token bucket of Events per object. */
export class EventBudget {
  readonly #buckets = new Map<string, { tokens: number; updatedAt: number }>();

  /** Takes a token from the object’s bucket; false if it is empty. `now` in milliseconds. */
  take(uid: string, now: number): boolean {
    const bucket = this.#buckets.get(uid) ?? { tokens: BUDGET_BURST, updatedAt: now };
    const tokens = Math.min(BUDGET_BURST, bucket.tokens + (now - bucket.updatedAt) / BUDGET_REFILL_MS);
    const allowed = tokens >= 1;
    this.#buckets.delete(uid);
    this.#buckets.set(uid, { tokens: allowed ? tokens - 1 : tokens, updatedAt: now });
    dropOldest(this.#buckets, BUDGETS_KEPT);
    return allowed;
  }
}

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #budget = new EventBudget();
  readonly #series = new Map<string, Series>();
  /** With the monotonic milliseconds at which each was queued. */
  readonly #queue = new Map<Series, number>();
  #writers = 0;
  /** Callers that wait for the end of the queue: the loop has ended, or is about to. */
  #flushes = 0;
  /** Settled by the last writer; callers of flush() share it. */
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Queues an Event for each event of a commit; the events of a removed job have no object to refer to. */
  recorded({ job, events }: Pick<Recorded, 'job' | 'events'>): void {
    if (job !== undefined) for (const event of events) this.#add(job, eventText(event));
  }

  #add(job: Job, { type, reason, note }: EventText): void {
    const now = this.#options.clock.now();
    if (!this.#budget.take(job.uid, now)) return;
    const id = `${job.uid}\n${type}\n${reason}`;
    const series = this.#series.get(id);
    const continues = series !== undefined && now - Date.parse(series.event.lastTimestamp ?? '') < SERIES_MS;
    this.#series.delete(id);
    const next = continues ? repeated(series, note, now) : this.#newSeries(job, { type, reason, note }, now);
    this.#series.set(id, next);
    dropOldest(this.#series, SERIES_KEPT);
    this.#enqueue(next);
  }

  /** Resolves when each queued Event is written or dropped. */
  async flush(): Promise<void> {
    if (this.#writers === 0) return;
    this.#idle ??= Promise.withResolvers();
    this.#flushes++;
    await this.#idle.promise.finally(() => this.#flushes--);
  }

  #newSeries(job: Job, { type, reason, note }: EventText, now: number): Series {
    const time = new Date(now).toISOString();
    const suffix = `${now.toString(16)}${this.#series.size.toString(16).padStart(4, '0')}`;
    const event: Event = {
      metadata: { name: `${job.name}.${suffix}`, namespace: job.namespace },
      involvedObject: {
        apiVersion: API_VERSION,
        kind: KIND,
        namespace: job.namespace,
        name: job.name,
        uid: job.uid,
      },
      type,
      reason,
      message: note.slice(0, 1024),
      source: { component: COMPONENT, host: this.#options.identity },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
    return { event, written: false };
  }

  #enqueue(series: Series): void {
    this.#queue.set(series, this.#queue.get(series) ?? this.#options.clock.monotonic());
    dropOldest(this.#queue, QUEUE_MAX_LENGTH);
    if (this.#writers >= WRITERS) return;
    this.#writers++;
    // In a later turn of the event loop: the action that the Event reports comes first.
    setImmediate(() => void this.#write());
  }

  async #write(): Promise<void> {
    for (const [series, queuedAt] of this.#queue) {
      // Another writer must not take the same.
      this.#queue.delete(series);
      await this.#turn(queuedAt);
      try {
        await this.#send(series);
      } catch (error) {
        const { reason, involvedObject } = series.event;
        this.#options.logger.debug(
          { object: involvedObject.name, reason, error: describeError(error) },
          'event not written',
        );
      }
    }
    this.#writers--;
    if (this.#writers > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  async #turn(queuedAt: number): Promise<void> {
    while (
      this.#flushes === 0 &&
      this.#options.isBusy?.() &&
      this.#options.clock.monotonic() < queuedAt + BUSY_MAX_MS
    )
      await delay(BUSY_CHECK_MS);
  }

  async #send(series: Series): Promise<void> {
    const { metadata, count, lastTimestamp, message } = series.event;
    const path = `/api/v1/namespaces/${metadata.namespace}/events`;
    if (series.written) {
      await this.#options.api.request({
        method: 'PATCH',
        path: `${path}/${metadata.name}`,
        contentType: 'application/merge-patch+json',
        body: { count, lastTimestamp, message },
      });
      return;
    }
    await this.#options.api.request({ method: 'POST', path, body: series.event });
    series.written = true;
  }
}

function repeated(series: Series, note: string, now: number): Series {
  const { event } = series;
  event.count = (event.count ?? 1) + 1;
  event.lastTimestamp = new Date(now).toISOString();
  event.message = note.slice(0, 1024);
  return series;
}

/** Deletes the first entry of a map that has more than `max`. */
function dropOldest<K>(entries: Map<K, unknown>, max: number): void {
  if (entries.size <= max) return;
  for (const oldest of entries.keys()) {
    entries.delete(oldest);
    return;
  }
}
