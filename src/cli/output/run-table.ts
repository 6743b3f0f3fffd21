// Runs as rows of a table, for `history` and `get`.
import { formatDuration } from '../../core/duration.ts';
import type { RunDocument } from '../../core/document.ts';
import { resultCell, runMs } from './job-words.ts';
import type { Cell } from './table.ts';
import { relative, soon } from './when.ts';

export const RUN_HEADS = ['RUN', 'STARTED', 'DURATION', 'RESULT', 'ATTEMPT', 'TRIGGER', 'MESSAGE'];

export const WIDE_RUN_HEADS = [...RUN_HEADS.slice(0, -1), 'EXECUTOR', 'SECRETS', ...RUN_HEADS.slice(-1)];

/** As runRow, for `-o wide`. */
export function wideRunRow(run: RunDocument, now: number): Cell[] {
  const row = runRow(run, now);
  return [...row.slice(0, -1), run.executor, run.secretsVersion ?? '-', ...row.slice(-1)];
}

/** One run as a row; instants in the zone of this machine. */
export function runRow(run: RunDocument, now: number): Cell[] {
  const ms = runMs(run, now);
  return [
    run.name,
    startedText(run, now),
    ms === undefined ? '-' : formatDuration(ms),
    resultCell(run),
    String(run.attempt),
    run.requestedBy === undefined ? run.trigger : `${run.trigger} (${run.requestedBy})`,
    run.message ?? '',
  ];
}

function startedText({ startedAt, startAfter }: RunDocument, now: number): string {
  if (startedAt !== undefined) return soon(Date.parse(startedAt), now);
  return startAfter === undefined ? '-' : `due ${relative(Date.parse(startAfter), now)}`;
}
