// Brings notices from their store to their channels, beside the loop: no run waits for it, and no channel for another. A
// notice stays in the store until its channel has it, so it comes at least once, each time with the same id.
import type { ChannelStanding } from '../contracts/notices.ts';
import type { NoticeDelivery, NoticeStore } from '../control/notices/notice-store.ts';
import type { Clock, Logger } from '../control/ports.ts';
import type { ShownNotice } from '../core/notices/explain-notices.ts';
import { rfc3339 } from '../core/rfc3339.ts';
import type { Run } from '../core/run.ts';
import type { Channel, Channels } from './channel.ts';
import { DeliveryError } from './delivery-error.ts';
import { Lane } from './lane.ts';
import {
  groupMessage,
  messageOf,
  testMessage,
  type NoticeHomeName,
  type NoticeMessage,
  type RunFacts,
} from './message.ts';
import { send, type ChannelCommand } from './send.ts';

/** How long one try may take, milliseconds. */
const TRY_MS = 15_000;

/** What became of notices of one channel. */
export interface NoticeResult {
  channel: string;
  deliveries: readonly NoticeDelivery[];
  /** Why the channel did not take them; undefined if it did. */
  dead?: string;
}

export interface NoticeSenderOptions {
  store: NoticeStore;
  clock: Clock;
  logger: Logger;
  home: NoticeHomeName;
  /** The channels as their file has them now. Throws CHANNELS_INVALID. */
  channels: () => Channels;
  /** The channel with the values of its references. */
  resolve: (name: string, channel: Channel) => Promise<Channel>;
  /** What the home knows of the run of a notice. */
  factsOf: (delivery: NoticeDelivery) => Promise<RunFacts>;
  /** Runs the command of a channel; undefined in a cluster. */
  runCommand?: (channel: string, command: ChannelCommand) => Promise<Run | undefined>;
  /** Default: TRY_MS. */
  tryMs?: number;
  random?: () => number;
  /** Hears of the notices that a channel took, and of dead letters. */
  onResult?: (result: NoticeResult) => void;
}

export class NoticeSender {
  readonly #options: NoticeSenderOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Channels whose receiver is gone for good, as they were then. */
  readonly #gone = new Map<string, string>();

  constructor(options: NoticeSenderOptions) {
    this.#options = options;
  }

  /** These channels, or all, may have new notices. */
  wake(channels: Iterable<string> = this.#options.store.channels()): void {
    for (const channel of channels) this.#lane(channel).wake();
  }

  /** The channel was changed, or its dead letters wait again. */
  restart(channel: string): void {
    this.#lane(channel).restart();
  }

  /** Adds what only this process knows. */
  withTroubles(standing: readonly ChannelStanding[]): ChannelStanding[] {
    return standing.map((one) => {
      const trouble = this.#lanes.get(one.channel)?.trouble;
      return { ...one, ...(trouble !== undefined && { trouble }) };
    });
  }

  /** Adds to the notices that wait what only this process knows. */
  withTries(notices: readonly ShownNotice[]): ShownNotice[] {
    return notices.map((notice) => {
      const { trouble, nextTryAt } = this.#lanes.get(notice.channel) ?? {};
      if (notice.state !== 'Waiting' || trouble === undefined) return notice;
      return { ...notice, why: trouble, ...(nextTryAt !== undefined && { nextTryAt: rfc3339(nextTryAt) }) };
    });
  }

  /** Sends a test by the channel, beside its notices. Rejects with a DeliveryError. */
  async test(name: string): Promise<void> {
    const { home, clock } = this.#options;
    await this.#send(name, await this.#channel(name), testMessage(name, home, clock.now()));
  }

  /** Starts no further message. Call it before the store closes. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.close();
  }

  #lane(channel: string): Lane {
    const known = this.#lanes.get(channel);
    if (known !== undefined) return known;
    const { store, clock, logger, random, onResult } = this.#options;
    const lane = new Lane({
      channel,
      clock,
      logger,
      ...(random && { random }),
      store: {
        channels: () => store.channels(),
        after: (...of) => store.after(...of),
        remove: async (deliveries, now) => {
          onResult?.({ channel, deliveries });
          await store.remove(deliveries, now);
        },
        bury: async (deliveries, why) => {
          onResult?.({ channel, deliveries, dead: why });
          await store.bury(deliveries, why);
        },
      },
      deliver: (deliveries) => this.#deliver(channel, deliveries),
    });
    this.#lanes.set(channel, lane);
    return lane;
  }

  async #deliver(name: string, deliveries: readonly NoticeDelivery[]): Promise<void> {
    const { home, factsOf } = this.#options;
    const [first] = deliveries as [NoticeDelivery];
    const channel = await this.#channel(name);
    const message =
      first.notice.group === undefined
        ? messageOf(first, home, await factsOf(first))
        : groupMessage(deliveries, home);
    try {
      await this.#send(name, channel, message);
    } catch (error) {
      if (error instanceof DeliveryError && error.fault.gone) this.#gone.set(name, this.#written(name) ?? '');
      throw error;
    }
  }

  #send(name: string, channel: Channel, message: NoticeMessage): Promise<void> {
    const { clock, runCommand, tryMs = TRY_MS } = this.#options;
    return send(channel, message, {
      signal: AbortSignal.timeout(tryMs),
      now: clock.now(),
      runCommand: runCommand && ((command) => runCommand(name, command)),
    });
  }

  /** The channel with its values; what its owner can mend later is no reason to lose the notice. */
  async #channel(name: string): Promise<Channel> {
    const written = this.#written(name);
    if (written === undefined) throw new DeliveryError(`there is no channel ${name}`, { retryable: true });
    if (this.#gone.get(name) === written)
      throw new DeliveryError('its receiver has answered that it is gone (status 410)', { retryable: false });
    this.#gone.delete(name);
    try {
      return await this.#options.resolve(name, JSON.parse(written) as Channel);
    } catch (error) {
      throw new DeliveryError((error as Error).message, { retryable: true }, error);
    }
  }

  /** The channel as JSON: equal texts are the same channel. */
  #written(name: string): string | undefined {
    try {
      const channel = this.#options.channels().get(name);
      return channel && JSON.stringify(channel);
    } catch (error) {
      throw new DeliveryError((error as Error).message, { retryable: true }, error);
    }
  }
}
