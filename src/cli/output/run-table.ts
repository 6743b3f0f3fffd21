// Runs as rows of a table, for `history` and `get`; for `history` also in the other formats of the option -o.
import { formatDuration } from '../../core/duration.ts';
import type { TeamRunDocument } from '../../contracts/team-record.ts';
import type { RunDocument } from '../../core/document.ts';
import type { Io } from '../io.ts';
import { isDocumentFormat, type Format } from './format-option.ts';
import { resultCell, runMs } from './job-words.ts';
import { note, print, printCsv, printJsonLines, printList, printTablePages, type Pages } from './print.ts';
import type { Cell } from './table.ts';
import { relative, soon } from './when.ts';

export const RUN_HEADS = ['RUN', 'STARTED', 'DURATION', 'RESULT', 'ATTEMPT', 'TRIGGER', 'MESSAGE'];
const TEAM_RUN_HEADS = RUN_HEADS.toSpliced(1, 0, 'ORIGIN');
const RUN_CSV_HEADS = [
  'run',
  'job',
  'slot',
  'trigger',
  'requestedBy',
  'attempt',
  'executor',
  'phase',
  'reason',
  'message',
  'exitCode',
  'signal',
  'createdAt',
  'startedAt',
  'finishedAt',
  'durationMs',
  'outputBytes',
  'secretsVersion',
];
const TEAM_RUN_CSV_HEADS = [...RUN_CSV_HEADS, 'namespace', 'origin', 'originId'];

const WIDE_RUN_HEADS = [...RUN_HEADS.slice(0, -1), 'EXECUTOR', 'SECRETS', ...RUN_HEADS.slice(-1)];

const TEAM_WIDE_RUN_HEADS = WIDE_RUN_HEADS.toSpliced(1, 0, 'ORIGIN', 'ID');

/** As runRow(), for `-o wide`. */
function wideRunRow(run: RunDocument, now: number): Cell[] {
  const row = runRow(run, now);
  return [...row.slice(0, -1), run.executor, run.secretsVersion ?? '-', ...row.slice(-1)];
}

/** One run as a row; instants in the zone, by default that of this machine. */
export function runRow(run: RunDocument, now: number, timeZone?: string): Cell[] {
  const ms = runMs(run, now);
  return [
    run.name,
    startedText(run, now, timeZone),
    ms === undefined ? '-' : formatDuration(ms),
    resultCell(run),
    String(run.attempt),
    run.requestedBy === undefined ? run.trigger : `${run.trigger} (${run.requestedBy})`,
    run.message ?? '',
  ];
}

/** As runRow(), for RUN_HEADS with the origin. */
function teamRunRow(run: TeamRunDocument, now: number): Cell[] {
  return runRow(run, now).toSpliced(1, 0, run.origin?.name ?? '-');
}

/** One run as fields for RUN_CSV_HEADS. */
function runCsvRow(run: RunDocument): (string | number | undefined)[] {
  const ms = run.finishedAt === undefined ? undefined : runMs(run, 0);
  return [
    run.name,
    run.job,
    run.slot,
    run.trigger,
    run.requestedBy,
    run.attempt,
    run.executor,
    run.phase,
    run.reason,
    run.message,
    run.exitCode,
    run.signal,
    run.createdAt,
    run.startedAt,
    run.finishedAt,
    ms,
    run.outputBytes,
    run.secretsVersion,
  ];
}

/** As wideRunRow(), with the origin and its id: two machines may have one name. */
function teamWideRunRow(run: TeamRunDocument, now: number): Cell[] {
  return wideRunRow(run, now).toSpliced(1, 0, run.origin?.name ?? '-', run.origin?.id ?? '-');
}

/** As runCsvRow(), for TEAM_RUN_CSV_HEADS. */
function teamRunCsvRow(run: TeamRunDocument): (string | number | undefined)[] {
  return [...runCsvRow(run), run.namespace, run.origin?.name, run.origin?.id];
}

function startedText({ startedAt, startAfter }: RunDocument, now: number, timeZone?: string): string {
  if (startedAt !== undefined) return soon(Date.parse(startedAt), now, timeZone);
  return startAfter === undefined ? '-' : `due ${relative(Date.parse(startAfter), now)}`;
}

/** How to show the runs of one source. */
export interface RunColumns<Run extends RunDocument> {
  heads: string[];
  row: (run: Run, now: number) => Cell[];
  /** Of -o wide. */
  wideHeads: string[];
  wideRow: (run: Run, now: number) => Cell[];
  csvHeads: string[];
  csvRow: (run: Run) => (string | number | undefined)[];
}

export const RUN_COLUMNS: RunColumns<RunDocument> = {
  heads: RUN_HEADS,
  row: (run, now) => runRow(run, now),
  wideHeads: WIDE_RUN_HEADS,
  wideRow: wideRunRow,
  csvHeads: RUN_CSV_HEADS,
  csvRow: runCsvRow,
};

/** With the origin of each run. */
export const TEAM_RUN_COLUMNS: RunColumns<TeamRunDocument> = {
  heads: TEAM_RUN_HEADS,
  row: teamRunRow,
  wideHeads: TEAM_WIDE_RUN_HEADS,
  wideRow: teamWideRunRow,
  csvHeads: TEAM_RUN_CSV_HEADS,
  csvRow: teamRunCsvRow,
};

interface Shown<Run extends RunDocument> {
  output: Format | undefined;
  columns: RunColumns<Run>;
  /** The sentence on stderr in place of a table without runs. */
  empty: string;
  /** Whether the pages have no end: JSON is then a line for each run. */
  isEndless?: boolean;
}

export async function printRuns<Run extends RunDocument>(
  io: Io,
  pages: Pages<Run>,
  { output, columns, empty, isEndless = false }: Shown<Run>,
): Promise<void> {
  if (output === 'json' && isEndless) return printJsonLines(io, pages);
  if (isDocumentFormat(output)) return printList(io, pages, output);
  if (output === 'csv') return printCsv(io, columns.csvHeads, mapped(pages, columns.csvRow));
  if (output === 'name') {
    for await (const runs of pages) print(io, ...runs.map(({ name }) => name));
    return;
  }
  const isWide = output === 'wide';
  const rows = mapped(pages, (run) => (isWide ? columns.wideRow : columns.row)(run, io.now()));
  if ((await printTablePages(io, isWide ? columns.wideHeads : columns.heads, rows)) === 0) note(io, empty);
}

async function* mapped<From, To>(pages: Pages<From>, map: (value: From) => To): AsyncIterable<To[]> {
  for await (const page of pages) yield page.map((value) => map(value));
}
