// A job and its runs in the words that tables show.
import { formatDuration } from '../../core/duration.ts';
import type { JobDocument, RunDocument } from '../../core/document.ts';
import type { Cell, Style } from './table.ts';
import { relative, soon } from './when.ts';

/** The schedule, or all of them. */
export function scheduleText({ spec }: JobDocument): string {
  return spec.schedule ?? spec.schedules?.join('; ') ?? '';
}

/** What is run: the command, or the arguments as they would be typed. */
export function commandText({ spec }: JobDocument): string {
  const quoted = (arg: string) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`);
  return spec.command ?? spec.args?.map(quoted).join(' ') ?? '';
}

const RUN_STYLES: Record<RunDocument['phase'], Style> = {
  Created: 'dim',
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

/** How long the run took, or has been running; undefined before it started. */
export function runMs(run: RunDocument, now: number): number | undefined {
  if (run.startedAt === undefined) return undefined;
  return (run.finishedAt === undefined ? now : Date.parse(run.finishedAt)) - Date.parse(run.startedAt);
}

/** The active run, or the newest that ended, with when. */
export function lastCell({ status }: JobDocument, now: number): Cell {
  const active = status?.active[0];
  if (active) return activeCell(active, now);
  const last = status?.recentRuns[0];
  if (!last) return '-';
  return resultCell(last, ` ${relative(Date.parse(last.finishedAt ?? last.createdAt), now)}`);
}

/** `Running for 3s`, or what it waits for: `Attempt 2 in 10 seconds`. */
function activeCell(run: RunDocument, now: number): Cell {
  const ms = runMs(run, now);
  if (ms !== undefined) return resultCell(run, ` for ${formatDuration(ms)}`);
  const when = run.startAfter === undefined ? 'waiting' : relative(Date.parse(run.startAfter), now);
  return { text: `Attempt ${run.attempt} ${when}`, style: 'warn' };
}

/** When the job runs next, in words and on the clock of who asks. */
export function nextCell({ spec, status }: JobDocument, now: number): Cell {
  if (spec.suspend) return { text: 'paused', style: 'dim' };
  if (status?.nextScheduleTime === undefined) return '-';
  return soon(Date.parse(status.nextScheduleTime), now);
}

/** The phase, or `Failing` for a scheduled job whose last runs failed. */
export function statusCell({ status }: JobDocument): Cell {
  if (!status) return '-';
  const failing = status.conditions.some(({ type, status }) => type === 'Failing' && status === 'True');
  if (status.phase === 'Invalid') return { text: 'Invalid', style: 'bad' };
  if (failing && status.phase === 'Scheduled') return { text: 'Failing', style: 'bad' };
  return { text: status.phase, style: status.phase === 'Suspended' ? 'dim' : 'good' };
}
