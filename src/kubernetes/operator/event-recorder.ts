// What happens to jobs as Kubernetes Events, beside the work and never in its way: what repeats is counted up on
// one Event, an object that says too much is cut short, and an Event that cannot be written is let go.
import type { CoreV1Event } from '@kubernetes/client-node';
import type { Clock, Logger, Recorded } from '../../control/ports.ts';
import { eventText, type EventText } from '../../core/decide/events.ts';
import { API_VERSION, KIND, type Job } from '../../core/job.ts';
import type { KubeApi } from '../api/fence.ts';
import { describeError } from '../api/api-errors.ts';
import { EventBudget } from './event-budget.ts';
import type { Wire } from '../api/objects.ts';

type Event = Wire<CoreV1Event>;

export interface EventRecorderOptions {
  api: KubeApi;
  clock: Pick<Clock, 'now'>;
  logger: Logger;
  /** Name of this process, such as its pod’s. */
  identity: string;
}

/** An Event that is to be written: new, or an earlier one counted up. */
interface Series {
  event: Event;
  /** The server has it under this name. */
  written: boolean;
}

const COMPONENT = 'lsh-controller';
/** Events of one kind for one object within so long are one Event that is counted up, milliseconds. */
const SERIES_MS = 600_000;
const SERIES_KEPT = 4096;
/** A burst beyond this loses its oldest Events. */
const QUEUE_MAX_LENGTH = 10_000;
const WRITERS = 4;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #budget = new EventBudget();
  readonly #series = new Map<string, Series>();
  readonly #queue = new Set<Series>();
  #writers = 0;
  #idle: (() => void) | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Queues an Event for each event of a commit; the events of a removed job have no object to refer to. */
  recorded({ job, events }: Recorded): void {
    if (job !== undefined) for (const event of events) this.#add(job, eventText(event));
  }

  #add(job: Job, { type, reason, note }: EventText): void {
    const now = this.#options.clock.now();
    if (!this.#budget.allows(job.uid, now)) return;
    const id = `${job.uid}\n${type}\n${reason}`;
    const series = this.#series.get(id);
    const goesOn = series !== undefined && now - Date.parse(series.event.lastTimestamp ?? '') < SERIES_MS;
    this.#series.delete(id);
    const next = goesOn ? countUp(series, note, now) : this.#newSeries(job, { type, reason, note }, now);
    this.#series.set(id, next);
    const [oldest] = this.#series.keys();
    if (this.#series.size > SERIES_KEPT && oldest !== undefined) this.#series.delete(oldest);
    this.#enqueue(next);
  }

  /** Resolves when what was said has been written, or has been tried. */
  async flush(): Promise<void> {
    if (this.#writers === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
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
    this.#queue.add(series);
    const [oldest] = this.#queue;
    if (this.#queue.size > QUEUE_MAX_LENGTH && oldest !== undefined) this.#queue.delete(oldest);
    if (this.#writers >= WRITERS) return;
    this.#writers++;
    // Not in this turn: what an Event tells of is being done right now.
    setImmediate(() => void this.#write());
  }

  async #write(): Promise<void> {
    for (const series of this.#queue) {
      this.#queue.delete(series);
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
    if (this.#writers === 0) this.#idle?.();
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

function countUp(series: Series, note: string, now: number): Series {
  const { event } = series;
  event.count = (event.count ?? 1) + 1;
  event.lastTimestamp = new Date(now).toISOString();
  event.message = note.slice(0, 1024);
  return series;
}
