// Notices that channels have still to hear of, a row for each channel, and those that they did not take: dead letters.
// SqliteStore adds the rows within the transaction of what they tell.
import type { ChannelStanding } from '../../contracts/notices.ts';
import type { NoticeDelivery, NoticeStore } from '../../control/notices/notice-store.ts';
import type { JobKey } from '../../core/job.ts';
import type { ShownNotice } from '../../core/notices/explain-notices.ts';
import type { Notice, NoticeKind } from '../../core/notices/notice.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
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
const SENT = `INSERT OR REPLACE INTO notices_sent (job, channel, kind, sent_at) VALUES (?, ?, ?, ?)`;
const FORGET_SENT = `DELETE FROM notices_sent WHERE sent_at < ?`;
const SENT_OF = `SELECT channel, kind, sent_at FROM notices_sent WHERE job = ? ORDER BY sent_at`;
/** Most open notices of a job that are shown, the newest. */
const SHOWN_MAX = 50;
const OPEN_OF = `SELECT channel, notice, dead FROM notices WHERE job = ? ORDER BY place DESC LIMIT ${SHOWN_MAX}`;
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

  remove(deliveries: readonly NoticeDelivery[], now: number): Promise<void> {
    return this.#write(() => {
      for (const { notice, channel, job } of deliveries) {
        this.#connection.change(REMOVE, [notice.id, channel]);
        this.#connection.change(SENT, [job, channel, notice.kind, now]);
      }
    });
  }

  /** The last notice of the job that each channel has, then those that wait and those that are dead, oldest first. */
  of(job: JobKey): ShownNotice[] {
    const sent = this.#connection.rows(SENT_OF, [job], ([channel, kind, at]) => ({
      channel: String(channel),
      kind: String(kind) as NoticeKind,
      state: 'Sent' as const,
      at: rfc3339(Number(at)),
    }));
    const open = this.#connection.rows(OPEN_OF, [job], ([channel, json, dead]): ShownNotice => {
      const { kind, at } = JSON.parse(String(json)) as Notice;
      const shown = { channel: String(channel), kind, at: rfc3339(at) };
      return typeof dead === 'string'
        ? { ...shown, state: 'Dead', why: dead }
        : { ...shown, state: 'Waiting' };
    });
    return [...sent, ...open.reverse()];
  }

  /** Forgets what was sent before the instant. */
  prune(before: number): Promise<void> {
    return this.#write(() => void this.#connection.change(FORGET_SENT, [before]));
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
