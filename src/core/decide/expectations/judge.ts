// Whether the job is overdue or slow after this evaluation. The verdicts become conditions; their events reach people.
import type { Draft } from '../draft.ts';
import type { Condition } from '../../job.ts';
import type { Schedule } from '../../schedule/schedule.ts';
import { endsAfter } from './ends.ts';
import { overdueVerdict } from './overdue.ts';
import { slowVerdict } from './slow.ts';
import { typicalDuration } from './typical-duration.ts';

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

/** Undefined where the job expects nothing. */
export interface Expectations {
  Overdue: Verdict | undefined;
  Slow: Verdict | undefined;
}

/** Call it after the ends of this evaluation are known. Without a schedule, `auto` expects nothing. */
export function judgeExpectations(draft: Draft, schedule: Schedule | undefined): Expectations {
  return { Overdue: judgeSuccess(draft, schedule), Slow: slowVerdict(draft) };
}

function judgeSuccess(draft: Draft, schedule: Schedule | undefined): Verdict | undefined {
  if (draft.job.spec.expectSuccessWithin === undefined) return undefined;
  const { lastSuccessAt, durationsMs = [] } = endsAfter(draft, draft.job.status);
  const usualMs = typicalDuration(durationsMs)?.p50Ms;
  return overdueVerdict(draft, { schedule, lastSuccessAt, usualMs });
}
