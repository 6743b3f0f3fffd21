// Texts and table cells for jobs and runs.
import { shellQuote } from '../../core/command-check/shell/shell-quote.ts';
import { formatDuration } from '../../core/duration.ts';
import type { JobDocument, RunDocument } from '../../core/document.ts';
import type { JobPhase } from '../../core/job.ts';
import { afterText, pendingStarts } from '../../core/schedule/job-schedule.ts';
import { isSuspended } from '../../core/schedule/suspension.ts';
import type { Cell, Style } from './table.ts';
import { relative, soon } from './when.ts';

/** The schedule, or all schedules separated by semicolons. */
export function scheduleText({ spec }: Pick<JobDocument, 'spec'>): string {
  const once = spec.at === undefined ? undefined : `once at ${spec.at}`;
  const own = spec.schedule ?? spec.schedules?.join('; ') ?? once;
  return [own, afterText(spec)].filter(Boolean).join('; ');
}

/** The command, or the arguments quoted for a shell, or the image whose entrypoint runs. */
export function commandText({ spec }: Pick<JobDocument, 'spec'>): string {
  const quoted = (arg: string) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : shellQuote(arg));
  const { entrypointArgs, image } = spec.job ?? {};
  if (entrypointArgs) return [`(entrypoint of ${image})`, ...entrypointArgs.map(quoted)].join(' ');
  return spec.command ?? spec.args?.map(quoted).join(' ') ?? '';
}

const RUN_STYLES: Record<RunDocument['phase'], Style> = {
  Created: 'dim',
  Pending: 'warn',
  Running: 'warn',
  Completed: 'good',
  Failed: 'bad',
  Killed: 'bad',
};

/** `Completed`, `Failed (exit 1)`, `Killed (TimedOut)`. */
export function resultText(run: RunDocument): string {
  const why = run.reason === 'ExitCode' ? `exit ${run.exitCode}` : run.reason;
  return why === undefined || run.phase === 'Completed' ? run.phase : `${run.phase} (${why})`;
}

/** The result as a cell with its colour. */
export function resultCell(run: RunDocument, suffix = ''): Cell {
  return { text: resultText(run) + suffix, style: RUN_STYLES[run.phase] };
}

/** Milliseconds from the start of the run to its end, or to `now`; undefined before the start. */
export function runMs(run: RunDocument, now: number): number | undefined {
  if (run.startedAt === undefined) return undefined;
  return (run.finishedAt === undefined ? now : Date.parse(run.finishedAt)) - Date.parse(run.startedAt);
}

/** The active run, or the newest finished run, with its time. `group` says what a run waits for that waits in a group. */
export function lastCell({ status }: JobDocument, now: number, group?: string): Cell {
  const active = status?.active[0];
  if (active) return activeCell(active, now, group);
  const last = status?.recentRuns[0];
  if (!last) return '-';
  return resultCell(last, ` ${relative(Date.parse(last.finishedAt ?? last.createdAt), now)}`);
}

/** `Running for 3s`; `Pending for 40s` and why; for a run that waits, `Attempt 2 in 10 seconds`. */
function activeCell(run: RunDocument, now: number, group: string | undefined): Cell {
  const ms = runMs(run, now);
  const backfill = run.trigger === 'Backfill' ? ' (backfill)' : '';
  if (ms !== undefined) return resultCell(run, ` for ${formatDuration(ms)}${backfill}`);
  if (run.phase === 'Pending') return resultCell(run, pendingSuffix(run, now));
  if (run.message !== undefined && group !== undefined)
    return { text: `Attempt ${run.attempt} waits for ${group}`, style: 'warn' };
  const when = run.startAfter === undefined ? 'waiting' : relative(Date.parse(run.startAfter), now);
  return { text: `Attempt ${run.attempt} ${when}`, style: 'warn' };
}

function pendingSuffix({ createdAt, startAfter = createdAt, message }: RunDocument, now: number): string {
  const why = message === undefined ? '' : `: ${message}`;
  return ` for ${formatDuration(Math.max(0, now - Date.parse(startAfter)))}${why}`;
}

/** When the job runs next, in the zone of this machine. */
export function nextCell({ spec, status }: JobDocument, now: number): Cell {
  if (isSuspended(spec, now)) {
    const until = spec.resumeAt === undefined ? '' : ` until ${soon(Date.parse(spec.resumeAt), now)}`;
    return { text: `paused${until}`, style: 'dim' };
  }
  if (status?.nextScheduleTime === undefined) {
    const [start] = pendingStarts(spec, now);
    if (start === undefined) return afterText(spec).replace(/ \(\w+\)/g, '') || '-';
    return `at ${start}`;
  }
  const next = soon(Date.parse(status.nextScheduleTime), now);
  return spec.notBefore !== undefined && Date.parse(spec.notBefore) > now ? `begins ${next}` : next;
}

const PHASE_STYLES: Record<JobPhase, Style> = {
  Scheduled: 'good',
  Failing: 'bad',
  Pending: 'warn',
  Running: 'good',
  Suspended: 'dim',
  Ended: 'dim',
  Invalid: 'bad',
};

/** The phase in its colour. */
export function statusCell({ status }: JobDocument): Cell {
  return status ? { text: status.phase, style: PHASE_STYLES[status.phase] } : '-';
}
