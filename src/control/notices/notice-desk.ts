// What a home adds to the notices of its jobs: the rule for jobs without one, and the group of a kind that many jobs have at
// once. It counts decisions, not deliveries: which message a notice belongs to is recorded with the notice.
import type { Job } from '../../core/job.ts';
import {
  USUAL_KINDS,
  type Notice,
  type NoticeGroup,
  type NoticeHome,
  type NoticeKind,
  type NoticeRule,
} from '../../core/notices/notice.ts';

/** Notices of a kind within a minute that are messages of their own. */
const SINGLE_MAX = 5;
const MINUTE_MS = 60_000;
/** Told one by one: a check measures the time from a start to its end, and many jobs that start at once are no fault. */
const ALWAYS_SINGLE: ReadonlySet<NoticeKind> = new Set(['Started']);

/** Of one kind. */
interface Count {
  /** When the newest SINGLE_MAX notices were decided, oldest first. */
  recent: number[];
  /** The group that takes further ones. */
  group?: NoticeGroup;
}

export class NoticeDesk {
  /** For jobs without rules of their own. */
  readonly rules: readonly NoticeRule[];
  readonly #deliveredOf: (job: Job) => readonly string[];
  readonly #counts = new Map<NoticeKind, Count>();

  /**
   * `channels` hear once of each streak of failures of jobs without rules of their own. `deliveredOf`: ids of notices that the
   * ledger of the job need not keep any more.
   */
  constructor(channels: readonly string[], deliveredOf: (job: Job) => readonly string[] = () => []) {
    this.rules = channels.length === 0 ? [] : [{ channels, on: USUAL_KINDS, after: 1 }];
    this.#deliveredOf = deliveredOf;
  }

  /** For an evaluation of the job. Call decided() before the next evaluation. */
  homeOf(job: Job, now: number): NoticeHome {
    const delivered = this.#deliveredOf(job);
    const groups: NoticeHome['groups'] = {};
    for (const [kind, count] of this.#counts) {
      const group = groupOf(kind, count, job, now);
      if (group !== undefined) groups[kind] = group;
    }
    return { rules: this.rules, groups, ...(delivered.length > 0 && { delivered }) };
  }

  /** The evaluation has decided on these notices. */
  decided(notices: readonly Notice[]): void {
    for (const { kind, at, group } of notices) {
      if (ALWAYS_SINGLE.has(kind)) continue;
      const count = this.#counts.get(kind) ?? { recent: [] };
      count.recent = [...count.recent, at].slice(-SINGLE_MAX);
      if (group !== undefined) count.group = group;
      this.#counts.set(kind, count);
    }
  }
}

/** The open group of the kind, or a new one if there have been many notices in the last minute. */
function groupOf(
  kind: NoticeKind,
  { recent, group }: Count,
  { uid }: Job,
  now: number,
): NoticeGroup | undefined {
  if (group !== undefined && now < group.until && now >= group.until - MINUTE_MS) return group;
  const oldest = recent.length < SINGLE_MAX ? undefined : recent[0];
  if (oldest === undefined || now - oldest >= MINUTE_MS || now < oldest) return undefined;
  // The uid makes the id unique among the homes that share a channel.
  return { id: `${uid}/${kind}/many-${Math.floor(now / 1000)}`, until: now + MINUTE_MS };
}
