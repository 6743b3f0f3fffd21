// The notices of a cluster: the status of each LshJob holds them until their channels have them, so nothing else need be
// durable. A new leader finds them there; what a former one had sent and not removed comes again, with the same id.
import type { Job, JobKey } from '../../core/job.ts';
import type { Notice } from '../../core/notices/notice.ts';
import { Listeners } from '../listeners.ts';
import type { NoticeDelivery, NoticeStore } from './notice-store.ts';

export class StatusNotices implements NoticeStore {
  readonly #pendingOf: (key: JobKey) => readonly Notice[];
  readonly #listeners = new Listeners<JobKey>();
  /** Deliveries that wait, oldest first. */
  #waiting: NoticeDelivery[] = [];
  /** Ids of notices that this process knows, by job: those that wait, and those whose channels have them. */
  readonly #known = new Map<JobKey, Map<string, 'waits' | 'done'>>();
  #place = 0;

  /** `pendingOf`: the notices in the status of a job. */
  constructor(pendingOf: (key: JobKey) => readonly Notice[]) {
    this.#pendingOf = pendingOf;
  }

  /** Calls the listener with each job whose notices left. It only enqueues. */
  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  /** Takes notices of a job, each once. Returns the channels that have new ones. */
  add(key: JobKey, notices: readonly Notice[]): Set<string> {
    const known = this.#known.get(key) ?? new Map<string, 'waits' | 'done'>();
    const fresh = notices.filter(({ id }) => !known.has(id));
    if (fresh.length === 0) return new Set();
    this.#known.set(key, known);
    for (const { channels, ...notice } of fresh) {
      known.set(notice.id, 'waits');
      for (const channel of channels) this.#waiting.push({ place: ++this.#place, channel, job: key, notice });
    }
    return new Set(fresh.flatMap(({ channels }) => channels));
  }

  /** Ids of notices that the status of the job need not hold any more, and what it holds that is new to this process. */
  progress({ key }: Pick<Job, 'key'>): { delivered: string[]; found: readonly Notice[] } {
    const known = this.#known.get(key);
    const pending = this.#pendingOf(key);
    const shown = new Set(pending.map(({ id }) => id));
    for (const [id, state] of known ?? []) if (state === 'done' && !shown.has(id)) known?.delete(id);
    if (known?.size === 0) this.#known.delete(key);
    return {
      delivered: pending.filter(({ id }) => known?.get(id) === 'done').map(({ id }) => id),
      found: pending.filter(({ id }) => !known?.has(id)),
    };
  }

  /** How many deliveries wait. */
  get size(): number {
    return this.#waiting.length;
  }

  channels(): string[] {
    return [...new Set(this.#waiting.map(({ channel }) => channel))];
  }

  after(channel: string, place: number, limit: number): NoticeDelivery[] {
    return this.#waiting.filter((one) => one.channel === channel && one.place > place).slice(0, limit);
  }

  async remove(deliveries: readonly NoticeDelivery[]): Promise<void> {
    const gone = new Set(deliveries);
    this.#waiting = this.#waiting.filter((one) => !gone.has(one));
    for (const { job, notice } of deliveries) {
      // Other channels of the same notice may still wait.
      if (this.#waiting.some((one) => one.job === job && one.notice.id === notice.id)) continue;
      this.#known.get(job)?.set(notice.id, 'done');
      this.#listeners.notify(job);
    }
  }

  /** The log says why; a status is no place for letters that no one takes. */
  bury(deliveries: readonly NoticeDelivery[]): Promise<void> {
    return this.remove(deliveries);
  }
}
