// Runs, slots and figures out of the status of LshJob objects: what the cluster itself remembers, which is what
// the history limits keep. Pure.
import type { JobApi, JobStats } from '../../contracts/job-api.ts';
import { rfc3339, runDocument, type RunDocument, type SlotDocument } from '../../core/document.ts';
import { isFinished, type Run, type SlotOutcome } from '../../core/run.ts';
import { readRuns, type LshJob } from '../objects/lsh-job.ts';

type Query<K extends keyof JobApi> = Parameters<JobApi[K]>[0];

const DEFAULT_LIMIT = 50;
const DURATIONS_SHOWN = 30;
const WITHOUT_RUN = new Set<SlotOutcome>(['Missed', 'Forbidden', 'DeadlineExceeded']);

/** The runs of the objects, newest first. */
export function runDocuments(objects: readonly LshJob[], query: Query<'runs'>): RunDocument[] {
  const { phases, since, limit = DEFAULT_LIMIT } = query;
  return objects
    .flatMap(readRuns)
    .filter((run) => phases === undefined || phases.includes(run.phase))
    .filter((run) => run.createdAt >= instant(since))
    .sort(newestFirst)
    .slice(0, limit)
    .map(runDocument);
}

/** The outcomes of slots that are kept, newest first: of runs, and of stretches without one. */
export function slotDocuments(
  object: LshJob,
  { from, to, limit = DEFAULT_LIMIT }: Query<'slots'>,
): SlotDocument[] {
  const touches = (slot: SlotDocument) =>
    instant(slot.from) <= instant(to) && instant(slot.to) >= instant(from);
  return [...ranSlots(object), ...outcomes(object)]
    .filter(touches)
    .sort((a, b) => instant(b.from) - instant(a.from))
    .slice(0, limit);
}

/** The figures of each object that has any; durations are those of the runs that are kept. */
export function statsDocuments(objects: readonly LshJob[], since?: string): JobStats[] {
  return objects
    .map((object) => statsOf(object, since))
    .filter(
      ({ completed, failed, killed, missed, firstRunAt }) =>
        completed + failed + killed + missed > 0 || firstRunAt,
    )
    .sort((a, b) => (a.job < b.job ? -1 : 1));
}

/** A slot’s run has its retries beside it; the slot is one all the same. */
function ranSlots(object: LshJob): SlotDocument[] {
  const first = new Map<number, Run>();
  for (const run of readRuns(object)) {
    const known = first.get(run.slot);
    if (run.trigger !== 'Manual' && (known === undefined || run.attempt < known.attempt))
      first.set(run.slot, run);
  }
  return [...first.values()].map(({ slot, name }) => {
    const at = rfc3339(slot);
    return { job: object.metadata.name, from: at, to: at, count: 1, outcome: 'Ran', run: name };
  });
}

function outcomes({ metadata, status }: LshJob): SlotDocument[] {
  return (status?.recentOutcomes ?? []).map((entry) => Object.assign({ job: metadata.name }, entry));
}

function statsOf(object: LshJob, since?: string): JobStats {
  const runs = readRuns(object)
    .filter((run) => run.createdAt >= instant(since))
    .sort(newestFirst);
  const durations = runs.filter(isFinished).flatMap(durationMs);
  return {
    job: object.metadata.name,
    ...(since === undefined ? totals(object) : counts(object, runs, instant(since))),
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
  return { completed: 0, failed: 0, killed: 0, missed: 0, ...status?.totals };
}

function counts(object: LshJob, runs: readonly Run[], since: number): Counts {
  const of = (phase: Run['phase']) => runs.filter((run) => run.phase === phase).length;
  const missed = outcomes(object)
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

/** The smallest of the values that 95 of 100 do not exceed. */
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
