// The notices of a daemon, loaded with the first one: a daemon that has none pays nothing for them.
import type { ChannelStanding } from '../../contracts/notices.ts';
import type { RecordedListener } from '../../control/ports.ts';
import { LshError } from '../../core/errors.ts';
import type { JobKey } from '../../core/job.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import type { ShownNotice } from '../../core/notices/explain-notices.ts';
import type { NoticeSender } from '../../notices/notice-sender.ts';
import type { DaemonNoticesOptions } from '../notices/daemon-notices.ts';
import { unknownHomeChannels, warnOfUnknownHomeChannels } from '../notices/home-channels.ts';

type LateNoticesOptions = Omit<DaemonNoticesOptions, 'signal'>;

export class LateNotices {
  readonly #options: LateNoticesOptions;
  #sender: Promise<NoticeSender | undefined> | undefined;
  readonly #closing = new AbortController();

  constructor(options: LateNoticesOptions) {
    this.#options = options;
  }

  readonly recorded: RecordedListener = ({ change: { notices } }) => {
    if (notices !== undefined) this.#wake(new Set(notices.flatMap(({ channels }) => channels)));
  };

  /** A sentence for each channel of the job that does not exist, or the one about the file that has the channels. */
  async warnings({ notify }: Pick<JobSpec, 'notify'>): Promise<string[]> {
    if (notify === undefined || notify.length === 0) return [];
    const { unknownChannels } = await import('../notices/unknown-channels.ts');
    try {
      return unknownChannels(this.#options.config, { notify }).map(
        (channel) =>
          `there is no channel ${channel}: notices wait for it, and \`lsh channel add ${channel}\` adds it`,
      );
    } catch (error) {
      return [(error as Error).message];
    }
  }

  /** Sends what an earlier process left, and warns of channels of LSH_NOTIFY that do not exist. */
  start(): void {
    void warnOfUnknownHomeChannels(this.#options.config, this.#options.logger);
    const left = this.#options.store.notices.channels();
    if (left.length > 0) this.#wake(left);
  }

  /**
   * How the channels stand. `retry`: the dead letters of that channel wait again, and a failed try goes at once. `test`: that
   * channel gets a test first. Throws CHANNEL_FAILED, and DAEMON_STOPPING when the signal aborts.
   */
  async standing(
    { retry, test }: { retry?: string; test?: string },
    signal: AbortSignal,
  ): Promise<ChannelStanding[]> {
    const { notices } = this.#options.store;
    if (test !== undefined) await unlessAborted(this.#test(test), signal);
    if (retry !== undefined) {
      await notices.revive(retry);
      if (notices.channels().includes(retry)) (await this.#open())?.restart(retry);
    }
    const standing = await this.#withUnknown(notices.standing());
    return (await this.#sender)?.withTroubles(standing) ?? standing;
  }

  /** Adds the channels of LSH_NOTIFY that do not exist, also those for which nothing waits yet. */
  async #withUnknown(standing: ChannelStanding[]): Promise<ChannelStanding[]> {
    try {
      const names = await unknownHomeChannels(this.#options.config);
      const unknown = names.map((channel): ChannelStanding => ({
        ...(standing.find((one) => one.channel === channel) ?? { channel, waiting: 0, dead: 0 }),
        unknown: true,
      }));
      return [...standing.filter(({ channel }) => !names.includes(channel)), ...unknown];
    } catch {
      return standing; // the log says since the start what is wrong with the file
    }
  }

  /** The notices of a job that channels have, or have still to hear of. */
  async of(job: JobKey): Promise<ShownNotice[]> {
    const notices = this.#options.store.notices.of(job);
    return (await this.#sender)?.withTries(notices) ?? notices;
  }

  /** Call it before the store closes. */
  close(): void {
    this.#closing.abort();
    void this.#sender?.then((sender) => sender?.close());
  }

  async #test(channel: string): Promise<void> {
    try {
      await (await this.#open())?.test(channel);
    } catch (error) {
      throw new LshError('CHANNEL_FAILED', { channel, detail: (error as Error).message }, { cause: error });
    }
  }

  #wake(channels: Iterable<string>): void {
    void this.#open().then((sender) => sender?.wake(channels));
  }

  /** Undefined once the daemon ends, or if the program’s own files are gone: the next daemon sends what waits. */
  #open(): Promise<NoticeSender | undefined> {
    this.#sender ??= this.#load();
    return this.#sender.then((sender) => (this.#closing.signal.aborted ? undefined : sender));
  }

  async #load(): Promise<NoticeSender | undefined> {
    try {
      const { daemonNotices } = await import('../notices/daemon-notices.ts');
      return daemonNotices({ ...this.#options, signal: this.#closing.signal });
    } catch (err) {
      this.#options.logger.error({ err }, 'notices cannot be sent');
      return undefined;
    }
  }
}

/** A stop of the daemon waits for no command: it goes on as every run does. Throws DAEMON_STOPPING. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new LshError('DAEMON_STOPPING'));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
