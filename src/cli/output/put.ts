// Prints the result of a put: one line, the changes and the next runs.
import type { PutResult } from '../../contracts/job-api.ts';
import type { FieldChange } from '../../core/validate/spec-changes.ts';
import type { Io } from '../io.ts';
import type { Format } from './format-option.ts';
import { note, paintFor, print, printDocument } from './print.ts';
import { afterText, pendingStarts } from '../../core/schedule/job-schedule.ts';
import { isSuspended } from '../../core/schedule/suspension.ts';
import { calendar, relative, wallText } from './when.ts';

function valueText(value: unknown): string {
  return value === undefined ? '(not set)' : JSON.stringify(value);
}

function changeLine(change: FieldChange): string {
  const what =
    'change' in change ? change.change : `${valueText(change.before)} -> ${valueText(change.after)}`;
  return `  ${change.path}: ${what}`;
}

function nextLines({ job, next }: PutResult, now: number): string[] {
  if (isSuspended(job.spec, now)) {
    const { resumeAt } = job.spec;
    const until = resumeAt === undefined ? '' : `${calendar(Date.parse(resumeAt))}, or `;
    return [`  paused: no run until ${until}\`lsh cron resume ${job.metadata.name}\``];
  }
  const lines = [
    ...next.map((slot) => `${wallText(slot)}  ${relative(Date.parse(slot), now)}`),
    ...pendingStarts(job.spec, now).map((start) => `at ${start}`),
  ];
  const { notAfter, after = [] } = job.spec;
  if (lines.length === 0 && after.length > 0) return [`  runs ${afterText(job.spec)}`];
  if (lines.length === 0)
    return [`  no further run is due${notAfter === undefined ? '' : `: notAfter is ${notAfter}`}`];
  return [`  next runs (${job.spec.timeZone}):`, ...lines.map((line) => `    ${line}`)];
}

export function printWarnings(io: Io, warnings: readonly string[], prefix = ''): void {
  const paint = paintFor(io.stderr);
  for (const warning of warnings) note(io, `${paint('warn', 'warning:')} ${prefix}${warning}`);
}

/** Warnings, and the notes on a schedule that the command may have changed. */
function printAdvice(io: Io, { result, warnings, notes }: PutResult, prefix = ''): void {
  const paint = paintFor(io.stderr);
  printWarnings(io, warnings, prefix);
  if (result === 'unchanged') return;
  for (const text of notes) note(io, `${paint('warn', 'note:')} ${prefix}${text}`);
}

/** Prints the result for people; `verb` replaces `created`, `configured`, `unchanged`. */
export async function printPut(io: Io, result: PutResult, verb: string = result.result): Promise<void> {
  printAdvice(io, result);
  const style = result.result === 'unchanged' ? 'dim' : 'good';
  print(io, `job "${result.job.metadata.name}" ${paintFor(io.stdout)(style, verb)}`);
  print(io, ...result.changes.map(changeLine), ...nextLines(result, io.now()));
}

/** One line per object, as `apply` and `import` print it. */
export function printPutLine(io: Io, result: PutResult, suffix = ''): void {
  printAdvice(io, result, `${result.job.metadata.name}: `);
  print(io, `job "${result.job.metadata.name}" ${result.result}${suffix}`, ...result.changes.map(changeLine));
}

/** Prints the result in the format of the option -o. */
export async function printPutAs(
  io: Io,
  result: PutResult,
  { output, dryRun }: { output?: Format | undefined; dryRun?: boolean | undefined },
): Promise<void> {
  if (output === 'json' || output === 'yaml') return printDocument(io, result, output);
  if (output === 'name') return print(io, result.job.metadata.name);
  return printPut(io, result, dryRun ? `${result.result} (dry run)` : result.result);
}
