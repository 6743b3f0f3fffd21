// Where notices wait for their channels: a table in the daemon, the statuses of LshJobs in a cluster.
import type { JobKey } from '../../core/job.ts';
import type { Notice } from '../../core/notices/notice.ts';

/** One notice for one channel. */
export interface NoticeDelivery {
  /** Grows with the time of the record. */
  place: number;
  channel: string;
  job: JobKey;
  notice: Omit<Notice, 'channels'>;
}

export interface NoticeStore {
  /** Names of the channels that deliveries wait for. */
  channels(): string[];
  /** The deliveries of a channel behind a place that wait, at most `limit`; 0 is before the first. */
  after(channel: string, place: number, limit: number): NoticeDelivery[];
  /** The channel has them since `now`. Resolves once they are gone. */
  remove(deliveries: readonly NoticeDelivery[], now: number): Promise<void>;
  /** The channel will not take them: they are dead letters. */
  bury(deliveries: readonly NoticeDelivery[], why: string): Promise<void>;
}
