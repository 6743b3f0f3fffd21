// Runs, slots and figures from the status of LshJobs: the cluster itself remembers only as much as the history limits
// keep. Pure.
import type { JobApi, JobStats } from '../../contracts/job-api.ts';
import { runDocument, type RunDocument, type SlotDocument } from '../../core/document.ts';
import { rulesOf } from '../../core/decide/notices/notices-after.ts';
import { NO_TOTALS } from '../../core/job.ts';
import type { JobNotices, ShownNotice } from '../../core/notices/explain-notices.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import { isFinished, type Run, type SlotOutcome } from '../../core/run.ts';
import { readRuns, shownJob, type LshJob } from '../objects/lsh-job.ts';
import { readPendingNotices } from '../objects/lsh-job-status.ts';

type Query<K extends keyof JobApi> = Parameters<JobApi[K]>[0];

const DEFAULT_LIMIT = 50;
const DURATIONS_SHOWN = 30;
const WITHOUT_RUN = new Set<SlotOutcome>(['Missed', 'Forbidden', 'DeadlineExceeded']);

/** The runs of the lshJobs, newest first. */
export function runDocuments(lshJobs: readonly LshJob[], query: Query<'runs'>): RunDocument[] {
  const { phases, since, limit = DEFAULT_LIMIT } = query;
  return lshJobs
    .flatMap(readRuns)
    .filter((run) => phases === undefined || phases.includes(run.phase))
    .filter((run) => run.createdAt >= instant(since))
    .sort(newestFirst)
    .slice(0, limit)
    .map(runDocument);
}

/** The kept outcomes of slots, newest first: slots with a run, and stretches without one. */
export function slotDocuments(
  lshJob: LshJob,
  { from, to, notRun = false, limit = DEFAULT_LIMIT }: Query<'slots'>,
): SlotDocument[] {
  const touches = (slot: SlotDocument) =>
    instant(slot.from) <= instant(to) && instant(slot.to) >= instant(from);
  return [...(notRun ? [] : ranSlots(lshJob)), ...outcomes(lshJob)]
    .filter(touches)
    .sort((a, b) => instant(b.from) - instant(a.from))
    .slice(0, limit);
}

/** The figures of each LshJob that has any; durations are those of the kept runs. */
export function statsDocuments(lshJobs: readonly LshJob[], since?: string): JobStats[] {
  return lshJobs
    .map((lshJob) => statsOf(lshJob, since))
    .filter(
      ({ completed, failed, killed, missed, firstRunAt }) =>
        completed + failed + killed + missed > 0 || firstRunAt,
    )
    .sort((a, b) => (a.job < b.job ? -1 : 1));
}

/** One document per slot with a run: it names the first attempt, and counts no retries. */
function ranSlots(lshJob: LshJob): SlotDocument[] {
  const first = new Map<number, Run>();
  for (const run of readRuns(lshJob)) {
    const known = first.get(run.slot);
    if (isOfSlotOrEnd(run) && (known === undefined || run.attempt < known.attempt)) first.set(run.slot, run);
  }
  return [...first.values()].map(({ slot, name }) => {
    const at = rfc3339(slot);
    return { job: lshJob.metadata.name, from: at, to: at, count: 1, outcome: 'Ran', run: name };
  });
}

/** A slot that a backfill ran keeps the outcome that it had before. */
function isOfSlotOrEnd({ trigger }: Run): boolean {
  return trigger !== 'Manual' && trigger !== 'Backfill';
}

function outcomes({ metadata, status }: LshJob): SlotDocument[] {
  return (status?.recentOutcomes ?? []).map((entry) => Object.assign({ job: metadata.name }, entry));
}

function statsOf(lshJob: LshJob, since?: string): JobStats {
  const runs = readRuns(lshJob)
    .filter((run) => run.createdAt >= instant(since))
    .sort(newestFirst);
  const durations = runs.filter(isFinished).flatMap(durationMs);
  return {
    job: lshJob.metadata.name,
    ...(since === undefined ? totals(lshJob) : counts(lshJob, runs, instant(since))),
    recentDurationsMs: durations.slice(0, DURATIONS_SHOWN).reverse(),
    ...(durations.length > 0 && { averageMs: average(durations), p95Ms: p95(durations) }),
    ...(runs.length > 0 && {
      firstRunAt: rfc3339(runs.at(-1)!.createdAt),
      lastRunAt: rfc3339(runs[0]!.createdAt),
    }),
  };
}

type Counts = Pick<JobStats, 'completed' | 'failed' | 'killed' | 'missed'>;

function totals({ status }: LshJob): Counts {
  return { ...NO_TOTALS, ...status?.totals };
}

function counts(lshJob: LshJob, runs: readonly Run[], since: number): Counts {
  const of = (phase: Run['phase']) => runs.filter((run) => run.phase === phase).length;
  const missed = outcomes(lshJob)
    .filter(({ to, outcome }) => instant(to) >= since && WITHOUT_RUN.has(outcome))
    .reduce((sum, { count }) => sum + count, 0);
  return { completed: of('Completed'), failed: of('Failed'), killed: of('Killed'), missed };
}

function durationMs({ startedAt, finishedAt }: Run): number[] {
  return startedAt === undefined || finishedAt === undefined ? [] : [finishedAt - startedAt];
}

function average(values: readonly number[]): number {
  return Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** The smallest value that at least 95 % of the values do not exceed. */
function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1]!;
}

function newestFirst(a: Run, b: Run): number {
  return b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1);
}

function instant(text: string | undefined): number {
  return text === undefined ? -Infinity : Date.parse(text);
}

/**
 * The notices of the LshJob: those in its status wait, and its memory says which channels have heard of its failures. The rule
 * of a job without one is a setting of the operator.
 */
export function noticesOf(lshJob: LshJob): JobNotices {
  const { notify } = shownJob(lshJob).spec;
  return { ...(notify !== undefined && { rules: rulesOf(notify) }), notices: noticesIn(lshJob.status) };
}

function noticesIn(status: LshJob['status']): ShownNotice[] {
  const waiting = readPendingNotices(status).flatMap(({ channels, kind, at }) =>
    channels.map((channel): ShownNotice => ({ channel, kind, state: 'Waiting', at: rfc3339(at) })),
  );
  const isOpen = (channel: string) =>
    waiting.some((notice) => notice.channel === channel && notice.kind === 'Failed');
  const told = Object.entries(status?.notices?.told ?? {}).filter(([channel]) => !isOpen(channel));
  return [
    ...told.map(([channel, at]): ShownNotice => ({ channel, kind: 'Failed', state: 'Sent', at })),
    ...waiting,
  ];
}
