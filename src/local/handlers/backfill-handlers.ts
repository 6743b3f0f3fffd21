// Requests about backfills. A handler records the request with the job and answers once the loop has taken it in.
import type { BackfillOrder } from '../../contracts/backfill.ts';
import type { Calendars } from '../../control/ports.ts';
import { backfillDocument, planDocument } from '../../core/backfill/backfill-document.ts';
import { isRunning, requestOf, type Backfill } from '../../core/backfill/backfill.ts';
import { pastSchedule, planOf, slotsOfRange, type BackfillPlan } from '../../core/backfill/plan.ts';
import { LshError } from '../../core/errors.ts';
import type { Job } from '../../core/job.ts';
import { jobSchedule } from '../../core/schedule/job-schedule.ts';
import type { CommitFeed } from '../jobs/commit-feed.ts';
import type { StoreJobSource } from '../jobs/job-source.ts';
import type { Handlers } from '../socket/server.ts';
import { knownJob } from './job-handlers.ts';
import { requireValid } from './run-handlers.ts';

export interface BackfillHandlerOptions {
  source: StoreJobSource;
  feed: CommitFeed;
  calendars: Calendars;
}

export function backfillHandlers({
  source,
  feed,
  calendars,
}: BackfillHandlerOptions): Pick<Handlers, 'job.backfill' | 'job.cancelBackfill'> {
  return {
    'job.backfill': async (order, signal) => {
      const job = knownJob(source, order.name);
      const plan = await planned({ source, calendars }, job, order);
      const answer = planDocument(job.name, plan);
      if (order.dryRun || plan.slots.length === 0) return answer;
      requireNone(job, order.id);
      await source.requestBackfill(job.key, requestOf(order));
      const taken = async () => takenIn(knownJob(source, order.name), order.id);
      return { ...answer, backfill: backfillDocument(await feed.until(job.key, taken, signal)) };
    },
    'job.cancelBackfill': async ({ name }, signal) => {
      const job = knownJob(source, name);
      const { backfill } = job;
      if (backfill === undefined || !isUnfinished(job)) return {};
      await source.requestBackfill(job.key, undefined);
      const ended = async () => endedOf(knownJob(source, name));
      const [end] = await feed.until(job.key, ended, signal);
      return end?.id === backfill.id ? { backfill: backfillDocument(end) } : {};
    },
  };
}

async function planned(
  { source, calendars }: Pick<BackfillHandlerOptions, 'source' | 'calendars'>,
  job: Job,
  order: BackfillOrder,
): Promise<BackfillPlan> {
  const request = requestOf(order);
  await calendars.refresh((job.spec.calendars ?? []).map(({ name }) => name));
  const schedule = jobSchedule(job, { calendars: (name) => calendars.content(name) });
  const past = await source.pastOf(job, slotsOfRange(job.name, pastSchedule(schedule, job), request));
  return planOf(job, schedule, { request, past });
}

/** Whether a request has not been taken in yet, or its backfill goes on. */
function isUnfinished({ backfill, status }: Job): boolean {
  const { id, phase } = status?.backfill ?? {};
  return phase === 'Running' || (backfill !== undefined && backfill.id !== id);
}

function requireNone(job: Job, id: string): void {
  if (isUnfinished(job) && job.backfill?.id !== id) throw new LshError('BACKFILL_ACTIVE', { name: job.name });
}

function takenIn(job: Job, id: string): Backfill | undefined {
  const { status, name } = job;
  if (status?.backfill?.id !== id) {
    requireValid(job);
    return undefined;
  }
  const { phase, message = '' } = status.backfill;
  if (phase === 'Refused') throw new LshError('BACKFILL_INVALID', { name, detail: message });
  return status.backfill;
}

/** The newest backfill, if there was any, once none is under way. */
function endedOf({ status }: Job): [Backfill?] | undefined {
  if (isRunning(status?.backfill)) return undefined;
  return status?.backfill === undefined ? [] : [status.backfill];
}
