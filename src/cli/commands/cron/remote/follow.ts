// `lsh cron history --remote --follow`: the newest runs, and then each run when it arrives.
import { setTimeout as delay } from 'node:timers/promises';
import type { ArrivalQuery, TeamRecord, TeamRunDocument } from '../../../../contracts/team-record.ts';
import { Backoff } from '../../../../core/backoff.ts';
import { formatDuration } from '../../../../core/duration.ts';
import { LshError } from '../../../../core/errors.ts';

/** Between two questions, milliseconds: a run shows within seconds, and a hundred readers ask 20 times a second. */
const INTERVAL_MS = 5_000;
/** Share by which the interval varies: readers that began together do not ask together. */
const JITTER = 0.2;
const LONGEST_WAIT_MS = 60_000;

interface Follow {
  query: ArrivalQuery & { since?: string; limit: number };
  /** Gets a sentence when the project is away, and when it is back. */
  notice: (sentence: string) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** The newest runs, oldest first, then those that arrive, without end. Each run once. */
export async function* followed(
  record: TeamRecord,
  { query, notice, now }: Follow,
): AsyncGenerator<TeamRunDocument[]> {
  const { since: _since, limit: _limit, ...arrivals } = query;
  // The place is taken first: a run that arrives meanwhile is in both answers, and in none is missing.
  let { after } = await record.arrivals(arrivals);
  const newest: TeamRunDocument[] = [];
  for await (const page of record.runs(query)) newest.push(...page);
  const shown = new Set(newest.map(keyOf));
  yield newest.toReversed();
  const patient = new Patience(notice, now);
  for (;;) {
    await delay(patient.waitMs);
    const answer = await patient.attempt(() => record.arrivals(arrivals, after));
    if (answer === undefined) continue;
    ({ after } = answer);
    const fresh = answer.runs.filter((run) => !shown.has(keyOf(run)));
    if (fresh.length > 0) yield fresh;
  }
}

function keyOf({ jobUid, name }: TeamRunDocument): string {
  return `${jobUid}/${name}`;
}

/** Waits longer after each failure, and says once that the project is away. */
class Patience {
  readonly #backoff = new Backoff({ initialMs: INTERVAL_MS, maxMs: LONGEST_WAIT_MS, random: Math.random });
  readonly #notice: (sentence: string) => void;
  readonly #now: () => number;
  #awaySince: number | undefined;
  waitMs = interval();

  constructor(notice: (sentence: string) => void, now: () => number) {
    this.#notice = notice;
    this.#now = now;
  }

  /** Undefined if the project is away. Throws what another try does not mend. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await work();
      this.#succeeded();
      return answer;
    } catch (error) {
      if (!(error instanceof LshError) || !error.retryable) throw error;
      this.#failed(error);
      return undefined;
    }
  }

  #succeeded(): void {
    this.waitMs = interval();
    this.#backoff.reset();
    if (this.#awaySince === undefined) return;
    const away = Math.max(1000, Math.round((this.#now() - this.#awaySince) / 1000) * 1000);
    this.#notice(`the project is back after ${formatDuration(away)}; runs that arrived meanwhile follow.`);
    this.#awaySince = undefined;
  }

  #failed(error: LshError): void {
    this.waitMs = this.#backoff.next(error.retryAfterMs);
    if (this.#awaySince !== undefined) return;
    this.#awaySince = this.#now();
    this.#notice(`${error.message} lsh asks again until it answers, and then shows what arrived.`);
  }
}

function interval(): number {
  return INTERVAL_MS * (1 - JITTER + 2 * JITTER * Math.random());
}
