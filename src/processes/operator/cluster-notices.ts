// The notices of an operator while it leads. What sends them is loaded with the first one.
import type { Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import { NoticeDesk } from '../../control/notices/notice-desk.ts';
import { StatusNotices } from '../../control/notices/status-notices.ts';
import type { Logger, RecordedListener } from '../../control/ports.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { Notice } from '../../core/notices/notice.ts';
import type { Run } from '../../core/run.ts';
import type { NoticeResult, NoticeSender } from '../../notices/notice-sender.ts';
import { warnOfUnknownHomeChannels } from '../notices/home-channels.ts';

interface ClusterNoticesOptions {
  config: Config;
  logger: Logger;
  /** Name of this operator, as messages show it. */
  name: string;
  pendingOf: (key: JobKey) => readonly Notice[];
  runsOf: (key: JobKey) => readonly Run[];
  onResult: (result: NoticeResult) => void;
  /** Hears of the channels of a job that do not exist. */
  onUnknown: (job: Job, channels: readonly string[]) => void;
}

export class ClusterNotices {
  readonly #options: ClusterNoticesOptions;
  readonly #notices: StatusNotices;
  #sender: Promise<NoticeSender> | undefined;
  #isClosed = false;
  /** For the evaluations. */
  readonly desk: NoticeDesk;

  constructor(options: ClusterNoticesOptions) {
    this.#options = options;
    this.#notices = new StatusNotices(options.pendingOf);
    this.desk = new NoticeDesk(options.config.notify ?? [], (job) => this.#deliveredOf(job));
  }

  /** Warns of channels of LSH_NOTIFY that do not exist. */
  start(): void {
    void warnOfUnknownHomeChannels(this.#options.config, this.#options.logger);
  }

  readonly recorded: RecordedListener = ({ key, job, change: { notices, status } }) => {
    if (notices !== undefined) this.#take(key, notices);
    const isNew = status !== undefined && status.observedGeneration !== job?.status?.observedGeneration;
    if (isNew && job?.spec.notify !== undefined) void this.#check(job);
  };

  /** Calls the listener with each job whose status need not hold a notice any more. It only enqueues. */
  onChange(listener: (key: JobKey) => void): void {
    this.#notices.onChange(listener);
  }

  /** How many notices wait; one for each channel. */
  get waiting(): number {
    return this.#notices.size;
  }

  close(): void {
    this.#isClosed = true;
    void this.#sender?.then((sender) => sender.close());
  }

  /** Once for each spec of a job that names channels. */
  async #check(job: Job): Promise<void> {
    const { config, logger, onUnknown } = this.#options;
    try {
      const { unknownChannels } = await import('../notices/unknown-channels.ts');
      const unknown = unknownChannels(config, job.spec);
      if (unknown.length > 0) onUnknown(job, unknown);
    } catch (err) {
      logger.warn({ job: job.key, err }, 'the channels of a job were not checked');
    }
  }

  #deliveredOf(job: Job): string[] {
    const { delivered, found } = this.#notices.progress(job);
    if (found.length > 0) this.#take(job.key, found);
    return delivered;
  }

  #take(key: JobKey, notices: readonly Notice[]): void {
    const channels = this.#notices.add(key, notices);
    if (channels.size === 0) return;
    this.#sender ??= this.#load();
    this.#sender.then(
      (sender) => (this.#isClosed ? sender.close() : sender.wake(channels)),
      (err: unknown) => this.#options.logger.error({ err }, 'notices cannot be sent'),
    );
  }

  async #load(): Promise<NoticeSender> {
    const { NoticeSender } = await import('../../notices/notice-sender.ts');
    const { resolvedChannel } = await import('../notices/channel-values.ts');
    const { readChannels } = await import('../notices/channels-file.ts');
    const { usualDuration } = await import('../notices/usual-duration.ts');
    const { config, logger, name, runsOf, onResult } = this.#options;
    return new NoticeSender({
      store: this.#notices,
      clock: systemClock,
      logger,
      home: { platform: 'cluster', name },
      channels: () => readChannels(config),
      resolve: resolvedChannel,
      factsOf: async ({ job, notice: { run: about } }) => {
        const runs = runsOf(job);
        const usualMs = usualDuration(
          runs.filter(({ phase, name: run }) => phase === 'Completed' && run !== about),
        );
        return { outputTail: runs.find(({ name: run }) => run === about)?.outputTail, usualMs };
      },
      random: Math.random,
      onResult,
    });
  }
}
