// Which run takes longer than the job's slowAfter: one that goes on, or the last one that ended.
import { isOwn, wakeBy, type Draft } from '../draft.ts';
import { formatDuration, parseDurationLimit } from '../../duration.ts';
import type { Condition } from '../../job.ts';
import type { Run } from '../../run.ts';
import { typicalDuration } from './typical-duration.ts';

/** A multiple of the usual duration needs this many completed runs. */
const RUNS_MIN = 3;

type Verdict = Pick<Condition, 'status' | 'reason' | 'message'>;

/** The condition Slow after this evaluation, with an event for each run that became slow. Undefined without slowAfter. */
export function slowVerdict(draft: Draft): Verdict | undefined {
  const { job } = draft;
  const { slowAfter } = job.spec;
  if (slowAfter === undefined) return undefined;
  const before = job.status?.conditions.find(({ type }) => type === 'Slow');
  const limitMs = limitOf(slowAfter, job.status?.durationsMs ?? []);
  if (limitMs === undefined) return tooFewRuns;
  const judged = [...draft.runs.values()].filter((run) => isJudged(draft, run)).sort(byStart);
  const slow = judged.findLast((run) => lengthOf(run, draft.now) >= limitMs);
  if (slow !== undefined) return reportSlow(draft, slow, { limitMs, slowAfter, before });
  for (const { phase, startedAt } of judged) if (phase === 'Running') wakeBy(draft, startedAt! + limitMs);
  const hasEnded = judged.some(({ phase }) => phase !== 'Running');
  return !hasEnded && before !== undefined && before.reason !== tooFewRuns.reason ? before : inTime;
}

const tooFewRuns: Verdict = {
  status: 'Unknown',
  reason: 'TooFewRuns',
  message: `The usual duration is known after ${RUNS_MIN} completed runs.`,
};
const inTime: Verdict = {
  status: 'False',
  reason: 'InTime',
  message: 'The last run was not slow.',
};

function limitOf(slowAfter: string, durations: readonly number[]): number | undefined {
  const limit = parseDurationLimit(slowAfter);
  if (limit === undefined || 'ms' in limit) return limit?.ms;
  return durations.length < RUNS_MIN ? undefined : typicalDuration(durations)!.p50Ms * limit.factor;
}

/** The runs that go on, and those that ended in this evaluation. */
function isJudged(draft: Draft, run: Run): boolean {
  if (run.startedAt === undefined || !isOwn(draft, run)) return false;
  return run.phase === 'Running' || (run.finishedAt !== undefined && draft.changed.has(run.name));
}

function byStart(a: Run, b: Run): number {
  return a.startedAt! - b.startedAt!;
}

function lengthOf({ startedAt, finishedAt }: Run, now: number): number {
  return (finishedAt ?? now) - startedAt!;
}

interface Slowness {
  limitMs: number;
  slowAfter: string;
  before: Condition | undefined;
}

/** A run is told once: the recorded condition names it. */
function reportSlow(draft: Draft, run: Run, { limitMs, slowAfter, before }: Slowness): Verdict {
  const begin = `Run ${run.name} `;
  if (before?.status === 'True' && before.message.startsWith(begin)) return before;
  const usual = slowAfter.trim().endsWith('x') ? ` (${slowAfter} of its usual duration)` : '';
  const message = `takes longer than ${formatDuration(limitMs)}${usual}`;
  draft.events.push({ kind: 'RunSlow', run, message });
  return { status: 'True', reason: 'RunSlow', message: `${begin}${message}.` };
}
