// `lsh calendar list` and `show`.
import type { Command } from 'commander';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, print, printDocument, printTable } from '../../output/print.ts';
import { calendar as dayText } from '../../output/when.ts';

interface ListedCalendar {
  name: string;
  /** Days to come. */
  days?: number;
  /** The first of them. */
  next?: string;
  problem?: string;
}

async function list({ io }: Context, output: Format | undefined): Promise<void> {
  const { listCalendars } = await import('../../../processes/calendars/local-calendars.ts');
  const { comingDates } = await import('./days.ts');
  const now = io.now();
  const calendars = (await listCalendars(now)).map(({ name, content }): ListedCalendar => {
    if (content instanceof LshError) return { name, problem: content.message };
    const dates = comingDates(content, now);
    return { name, days: dates.length, ...(dates.length > 0 && { next: dates[0]! }) };
  });
  if (isDocumentFormat(output)) return printDocument(io, calendars, output);
  if (calendars.length === 0)
    return note(io, 'There are no calendars yet. Add one with `lsh calendar add NAME FILE`.');
  printTable(
    io,
    ['NAME', 'DAYS TO COME', 'NEXT'],
    calendars.map(({ name, days, next, problem }) => [
      name,
      String(days ?? '-'),
      problem === undefined ? (next === undefined ? '-' : weekdayOf(next)) : { text: problem, style: 'bad' },
    ]),
  );
}

/** `Fri 2026-12-25`. */
function weekdayOf(date: string): string {
  return dayText(Date.parse(`${date}T00:00:00Z`), 'UTC').replace(/ 00:00$/, '');
}

const SHOWN_DAYS = 20;

async function show({ io }: Context, name: string, output: Format | undefined): Promise<void> {
  const { readCalendar } = await import('../../../processes/calendars/local-calendars.ts');
  const { comingDates } = await import('./days.ts');
  const dates = comingDates(await readCalendar(name, io.now()), io.now());
  if (isDocumentFormat(output)) return printDocument(io, { name, dates }, output);
  if (dates.length === 0) return note(io, `No day of the calendar "${name}" is to come.`);
  print(io, ...dates.slice(0, SHOWN_DAYS).map(weekdayOf));
  const rest = dates.length - SHOWN_DAYS;
  if (rest > 0) note(io, `and ${rest} more; -o json has them all.`);
}

export function addList(calendar: Command, context: Context): void {
  const command = calendar
    .command('list')
    .alias('ls')
    .description('List the calendars of this machine, with their days to come.')
    .addOption(formatOption('json', 'yaml'))
    .action(({ output }: { output?: Format }) => list(context, output));
  withExamples(command, ['lsh calendar list', 'List all calendars']);
}

export function addShow(calendar: Command, context: Context): void {
  const command = calendar
    .command('show')
    .description('Show the days to come of a calendar, in the zone of this machine.')
    .argument('<name>', 'a calendar')
    .addOption(formatOption('json', 'yaml'))
    .action((name: string, { output }: { output?: Format }) => show(context, name, output));
  withExamples(command, ['lsh calendar show bank-holidays', 'Show its next days']);
}
