// Backfills in a cluster: an annotation of the LshJob, and the wait until the controller has taken it in. The plan needs
// nothing but the LshJob, so a dry run asks no controller.
import type { BackfillOrder } from '../../contracts/backfill.ts';
import type { JobApi } from '../../contracts/job-api.ts';
import { planDocument, type BackfillDocument } from '../../core/backfill/backfill-document.ts';
import { requestOf } from '../../core/backfill/backfill.ts';
import { planOf, type BackfillPlan } from '../../core/backfill/plan.ts';
import { LshError } from '../../core/errors.ts';
import { shownCalendars } from '../../core/schedule/days/day-rules.ts';
import { jobSchedule } from '../../core/schedule/job-schedule.ts';
import {
  BACKFILL_ANNOTATION,
  backfillAnnotation,
  readBackfillRequest,
} from '../objects/backfill-annotation.ts';
import { readOutcomes } from '../objects/lsh-job-outcomes.ts';
import { readLshJob, readRuns, type LshJob } from '../objects/lsh-job.ts';
import { getLshJob, retryOnConflict } from './api-calls.ts';
import { annotate, assertValid, waitForController, type RequestOptions } from './requests.ts';

export function jobBackfills(options: RequestOptions): Pick<JobApi, 'backfill' | 'cancelBackfill'> {
  const { scope } = options;
  return {
    backfill: async (order) => {
      const plan = await retryOnConflict(() => request(options, order));
      const answer = planDocument(order.name, plan);
      if (order.dryRun || plan.slots.length === 0) return answer;
      const taken = (lshJob: LshJob) => takenIn(lshJob, order.id);
      return { ...answer, backfill: await waitForController(options, order.name, taken) };
    },
    cancelBackfill: async ({ name }) => {
      const lshJob = await getLshJob(scope, name);
      const id = requestedId(lshJob);
      if (!isUnfinished(lshJob)) return {};
      await retryOnConflict(async () => {
        await annotate(scope, await getLshJob(scope, name), { [BACKFILL_ANNOTATION]: null });
      });
      const ended = ({ status }: LshJob) => (status?.backfill?.phase === 'Running' ? undefined : { status });
      const { status } = await waitForController(options, name, ended);
      return status?.backfill?.id === id ? { backfill: status!.backfill! } : {};
    },
  };
}

/** Annotates the LshJob, unless there is nothing to run. */
async function request({ scope }: RequestOptions, order: BackfillOrder): Promise<BackfillPlan> {
  const { name, id } = order;
  const lshJob = await getLshJob(scope, name);
  const { job, problem } = readLshJob(lshJob);
  if (problem !== undefined) throw problem;
  const wanted = requestOf(order);
  const schedule = jobSchedule(job, { calendars: shownCalendars(job.status?.calendars) });
  const past = { closed: readOutcomes(lshJob.status?.recentOutcomes ?? []), runs: readRuns(lshJob) };
  const plan = planOf(job, schedule, { request: wanted, past });
  if (order.dryRun || plan.slots.length === 0) return plan;
  if (isUnfinished(lshJob) && requestedId(lshJob) !== id) throw new LshError('BACKFILL_ACTIVE', { name });
  await annotate(scope, lshJob, { [BACKFILL_ANNOTATION]: backfillAnnotation(wanted) });
  return plan;
}

function requestedId({ metadata }: LshJob): string | undefined {
  const text = metadata.annotations?.[BACKFILL_ANNOTATION];
  return text === undefined ? undefined : readBackfillRequest(text).id;
}

/** Whether a request has not been taken in yet, or its backfill goes on. */
function isUnfinished(lshJob: LshJob): boolean {
  const { id, phase } = lshJob.status?.backfill ?? {};
  const requested = requestedId(lshJob);
  return phase === 'Running' || (requested !== undefined && requested !== id);
}

function takenIn(lshJob: LshJob, id: string): BackfillDocument | undefined {
  const { backfill } = lshJob.status ?? {};
  if (backfill?.id !== id) {
    assertValid(lshJob);
    return undefined;
  }
  if (backfill.phase !== 'Refused') return backfill;
  throw new LshError('BACKFILL_INVALID', { name: lshJob.metadata.name, detail: backfill.message ?? '' });
}
