// The deliveries of one channel, one message at a time: in the order of their records, so that a job's notices come in order.
// A group waits until it takes no further notice; the later notices of its jobs wait behind it, and those of others pass.
//
//   state    | meaning                               | next
//   ---------|---------------------------------------|-----------------------------------------------
//   idle     | nothing to send, or an open group     | sending when woken, or when the group closes
//   sending  | one message is on its way             | sending the next; idle; resting after a failure
//   resting  | waits after a failure                 | sending
//   closed   | after close()                         |
import type { Clock, Logger } from '../control/ports.ts';
import type { NoticeDelivery, NoticeStore } from '../control/notices/notice-store.ts';
import { Backoff } from '../core/backoff.ts';
import { DeliveryError } from './delivery-error.ts';

/** Most deliveries in memory. */
const HELD_MAX = 20_000;
/** Deliveries of one read of the store. */
const READ_MAX = 1000;
const RETRY = { initialMs: 1000, maxMs: 600_000 };
/** A notice that no try of this time brought is old news, milliseconds. */
const OLD_MS = 3 * 24 * 3_600_000;
/** How long after its end a group is complete: the record of its last member takes a moment. */
const GROUP_SLACK_MS = 2000;

export interface LaneOptions {
  channel: string;
  store: NoticeStore;
  clock: Clock;
  logger: Logger;
  /** Sends one message about the deliveries. Rejects with a DeliveryError. */
  deliver: (deliveries: readonly NoticeDelivery[]) => Promise<void>;
  /** Between 0 and 1. Spreads the retries of homes that failed together. */
  random?: () => number;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #backoff: Backoff;
  #held: NoticeDelivery[] = [];
  #readTo = 0;
  #state: 'idle' | 'sending' | 'resting' | 'closed' = 'idle';
  #cancelTimer: (() => void) | undefined;
  #trouble: string | undefined;
  #nextTryAt: number | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ ...RETRY, ...(options.random && { random: options.random }) });
  }

  /** Why the last try failed; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** When it rests until, milliseconds; undefined if it does not rest. */
  get nextTryAt(): number | undefined {
    return this.#state === 'resting' ? this.#nextTryAt : undefined;
  }

  /** The store may have new deliveries. */
  wake(): void {
    if (this.#state === 'idle') this.#next();
  }

  /** The channel was changed: what it did not take waits again, and a failed try need not wait any longer. */
  restart(): void {
    if (this.#state === 'closed' || this.#state === 'sending') return;
    this.#held = [];
    this.#readTo = 0;
    this.#backoff.reset();
    this.#state = 'idle';
    this.#next();
  }

  /** Starts no further message; one under way need not be awaited, because the store still has it. */
  close(): void {
    this.#state = 'closed';
    this.#cancelTimer?.();
  }

  #next(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    try {
      this.#read();
    } catch (err) {
      this.#options.logger.warn({ channel: this.#options.channel, err }, 'waiting notices were not read');
    }
    const { now, batch, closesAt } = this.#pick();
    if (batch.length > 0) {
      this.#state = 'sending';
      void this.#send(batch);
      return;
    }
    this.#state = 'idle';
    if (closesAt < Infinity) this.#at(Math.max(closesAt, now + 1));
  }

  #read(): void {
    const { store, channel } = this.#options;
    while (this.#held.length < HELD_MAX) {
      const read = store.after(channel, this.#readTo, READ_MAX);
      this.#held.push(...read);
      this.#readTo = read.at(-1)?.place ?? this.#readTo;
      if (read.length < READ_MAX) return;
    }
  }

  /** The first message that may go, or when the first group closes. */
  #pick(): { now: number; batch: NoticeDelivery[]; closesAt: number } {
    const now = this.#options.clock.now();
    const behind = new Set<string>();
    let closesAt = Infinity;
    for (const delivery of this.#held) {
      const { group, at } = delivery.notice;
      const end = group === undefined ? 0 : group.until + GROUP_SLACK_MS;
      // A clock that was set back does not hold a group for longer than it would have been open.
      const isOpen = end > now && now >= at;
      if (!isOpen && !behind.has(delivery.job)) return { now, closesAt, batch: this.#withGroup(delivery) };
      if (isOpen) closesAt = Math.min(closesAt, end);
      behind.add(delivery.job);
    }
    return { now, batch: [], closesAt };
  }

  #withGroup(delivery: NoticeDelivery): NoticeDelivery[] {
    const id = delivery.notice.group?.id;
    return id === undefined ? [delivery] : this.#held.filter(({ notice }) => notice.group?.id === id);
  }

  async #send(batch: readonly NoticeDelivery[]): Promise<void> {
    const { deliver, store, channel, logger, clock } = this.#options;
    try {
      await deliver(batch);
    } catch (thrown) {
      if (this.#isClosed) return;
      return this.#failed(batch, thrown);
    }
    if (this.#isClosed) return;
    this.#backoff.reset();
    this.#trouble = undefined;
    this.#drop(batch);
    await store
      .remove(batch, clock.now())
      .catch((err: unknown) => logger.warn({ channel, err }, 'a delivered notice stays recorded'));
    this.#continue();
  }

  async #failed(batch: readonly NoticeDelivery[], thrown: unknown): Promise<void> {
    const { store, channel, logger, clock } = this.#options;
    const { message } = thrown as Error;
    const fault = thrown instanceof DeliveryError ? thrown.fault : { retryable: true };
    const isOld = batch.every(({ notice }) => clock.now() - notice.at > OLD_MS);
    this.#trouble = message;
    if (fault.retryable && !isOld) {
      const retryInMs = this.#backoff.next(fault.retryAfterMs);
      logger.warn({ channel, retryInMs, reason: message }, 'a notice was not delivered');
      this.#state = 'resting';
      this.#nextTryAt = clock.now() + retryInMs;
      this.#at(clock.now() + retryInMs);
      return;
    }
    logger.error(
      { channel, reason: message, notices: batch.map(({ notice }) => notice.id) },
      'a notice is a dead letter',
    );
    this.#drop(batch);
    await store
      .bury(batch, message)
      .catch((err: unknown) => logger.warn({ channel, err }, 'a dead letter was not recorded'));
    this.#continue();
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #drop(batch: readonly NoticeDelivery[]): void {
    const gone = new Set(batch);
    this.#held = this.#held.filter((delivery) => !gone.has(delivery));
  }

  #continue(): void {
    if (!this.#isClosed) this.#next();
  }

  #at(time: number): void {
    this.#cancelTimer = this.#options.clock.at(time, () => {
      if (!this.#isClosed && this.#state !== 'sending') this.#next();
    });
  }
}
