// The daemon's verdict on itself: whether it can write, and whether its schedules make progress.
import { formatDuration } from '../../core/duration.ts';
import { LshError, toLshError } from '../../core/errors.ts';
import type { Job } from '../../core/job.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import { OVERDUE_MS, toWire, type DaemonHealth } from '../socket/protocol.ts';

/** What the loop reports about itself. */
export interface Progress {
  /** The newest evaluation that succeeded, in milliseconds since the epoch. */
  readonly lastEvaluationAt: number | undefined;
  /** Jobs that wait for their evaluation. */
  readonly backlog: number;
  /** When the machine was last found awake after a sleep: no slot is overdue before the loop had time to notice. */
  readonly awakeSince: number;
}

export interface HealthInput {
  jobs: readonly Job[];
  now: number;
  /** When this daemon started: a slot before it is overdue only from then on. */
  startedAt: number;
  progress: Progress;
  /** Tries a write; throws why it fails. */
  probe: () => Promise<void>;
}

/** Measures progress and tries a write. */
export async function daemonHealth(input: HealthInput): Promise<DaemonHealth> {
  const { jobs, now, startedAt, progress, probe } = input;
  const { lastEvaluationAt, backlog } = progress;
  const canEvaluateSince = Math.max(startedAt, progress.awakeSince);
  const overdue = jobs.filter((job) => Math.max(dueAt(job), canEvaluateSince) < now - OVERDUE_MS);
  const problems = [await failureOf(probe), stall(overdue, now)].filter((problem) => problem !== undefined);
  return {
    problems: problems.map(toWire),
    ...(lastEvaluationAt !== undefined && { lastEvaluationAt: rfc3339(lastEvaluationAt) }),
    overdueJobs: overdue.length,
    backlog,
  };
}

async function failureOf(probe: () => Promise<void>): Promise<LshError | undefined> {
  try {
    await probe();
    return undefined;
  } catch (error) {
    return toLshError(error);
  }
}

function stall(overdue: readonly Job[], now: number): LshError | undefined {
  const [first] = overdue.toSorted((a, b) => dueAt(a) - dueAt(b));
  if (first === undefined) return undefined;
  const late = formatDuration(now - dueAt(first));
  const others = overdue.length > 1 ? `, and ${overdue.length - 1} more` : '';
  const detail = `job "${first.name}" was due ${late} ago${others}`;
  return new LshError('DAEMON_STALLED', { pid: process.pid, detail });
}

function dueAt({ status }: Job): number {
  return status?.nextScheduleAt ?? Infinity;
}
