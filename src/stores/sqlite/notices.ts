// Notices that channels have still to hear of, a row for each channel, and those that they did not take: dead letters.
// SqliteStore adds the rows within the transaction of what they tell.
import type { ChannelStanding } from '../../contracts/notices.ts';
import type { NoticeDelivery, NoticeStore } from '../../control/notices/notice-store.ts';
import type { JobKey } from '../../core/job.ts';
import type { Notice } from '../../core/notices/notice.ts';
import type { SqliteConnection } from './connection.ts';

/** Most dead letters; the oldest go first. */
const DEAD_MAX = 1000;

const ADD = `INSERT OR IGNORE INTO notices (id, channel, job, notice) VALUES (:id, :channel, :job, :notice)`;
const CHANNELS = `SELECT DISTINCT channel FROM notices WHERE dead IS NULL`;
const AFTER = `SELECT place, job, notice FROM notices
  WHERE dead IS NULL AND channel = ? AND place > ? ORDER BY place LIMIT ?`;
const REMOVE = `DELETE FROM notices WHERE id = ? AND channel = ?`;
const BURY = `UPDATE notices SET dead = ? WHERE id = ? AND channel = ?`;
const TRIM = `DELETE FROM notices WHERE dead IS NOT NULL AND place <=
  (SELECT place FROM notices WHERE dead IS NOT NULL ORDER BY place DESC LIMIT 1 OFFSET ${DEAD_MAX})`;
const STANDING = `SELECT channel, SUM(dead IS NULL), SUM(dead IS NOT NULL),
  (SELECT dead FROM notices AS newest WHERE newest.channel = notices.channel AND dead IS NOT NULL ORDER BY place DESC LIMIT 1)
  FROM notices GROUP BY channel ORDER BY channel`;
const REVIVE = `UPDATE notices SET dead = NULL WHERE dead IS NOT NULL AND channel = ?`;

export class SqliteNotices implements NoticeStore {
  readonly #connection: SqliteConnection;
  readonly #write: (work: () => void) => Promise<void>;

  constructor(connection: SqliteConnection, write: (work: () => void) => Promise<void>) {
    this.#connection = connection;
    this.#write = write;
  }

  /** Call it within the transaction of the change. */
  add(job: JobKey, notices: readonly Notice[]): void {
    for (const { channels, ...notice } of notices) {
      for (const channel of channels)
        this.#connection.change(ADD, { id: notice.id, channel, job, notice: JSON.stringify(notice) });
    }
  }

  channels(): string[] {
    return this.#connection.rows(CHANNELS, [], ([channel]) => String(channel));
  }

  after(channel: string, place: number, limit: number): NoticeDelivery[] {
    return this.#connection.rows(AFTER, [channel, place, limit], ([at, job, notice]) => ({
      place: Number(at),
      channel,
      job: String(job),
      notice: JSON.parse(String(notice)) as NoticeDelivery['notice'],
    }));
  }

  remove(deliveries: readonly NoticeDelivery[]): Promise<void> {
    return this.#write(() => {
      for (const { notice, channel } of deliveries) this.#connection.change(REMOVE, [notice.id, channel]);
    });
  }

  bury(deliveries: readonly NoticeDelivery[], why: string): Promise<void> {
    return this.#write(() => {
      for (const { notice, channel } of deliveries) this.#connection.change(BURY, [why, notice.id, channel]);
      this.#connection.change(TRIM, []);
    });
  }

  /** The dead letters of the channel wait again, for after(0, …). */
  revive(channel: string): Promise<void> {
    return this.#write(() => void this.#connection.change(REVIVE, [channel]));
  }

  standing(): ChannelStanding[] {
    return this.#connection.rows(STANDING, [], ([channel, waiting, dead, why]) => ({
      channel: String(channel),
      waiting: Number(waiting),
      dead: Number(dead),
      ...(typeof why === 'string' && { why }),
    }));
  }
}
