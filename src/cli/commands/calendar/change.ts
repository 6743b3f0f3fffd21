// `lsh calendar add` and `remove`.
import type { Command } from 'commander';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { paintFor, print } from '../../output/print.ts';
import { counted } from '../../output/text.ts';

async function add({ io }: Context, name: string, file: string): Promise<void> {
  const { contentOf, bytesOfStdin } = await import('../../input/documents.ts');
  const text = file === '-' ? new TextDecoder().decode(await bytesOfStdin(io)) : await contentOf(file);
  const { addCalendar } = await import('../../../processes/calendars/local-calendars.ts');
  const { comingDates } = await import('./days.ts');
  const { result, content } = await addCalendar(name, text, io.now());
  const dates = comingDates(content, io.now());
  const style = result === 'unchanged' ? 'dim' : 'good';
  const coming =
    dates.length === 0 ? 'no day to come' : `${counted(dates.length, 'day')} to come, next ${dates[0]}`;
  print(io, `calendar "${name}" ${paintFor(io.stdout)(style, result)}: ${coming}`);
}

/** The jobs that name the calendar; none if no daemon runs, whose jobs then cannot be asked. */
async function jobsWith(context: Context, name: string): Promise<string[]> {
  try {
    const jobs = await (await context.api()).list({});
    return jobs
      .filter(({ spec }) => spec.calendars?.some((calendar) => calendar.name === name))
      .map(({ metadata }) => metadata.name);
  } catch (error) {
    if (error instanceof LshError && error.code === 'DAEMON_NOT_RUNNING') return [];
    throw error;
  }
}

async function remove(context: Context, name: string, force: boolean): Promise<void> {
  const { removeCalendar } = await import('../../../processes/calendars/local-calendars.ts');
  const jobs = force ? [] : await jobsWith(context, name);
  if (jobs.length > 0) {
    throw usage(
      `The calendar "${name}" is used by ${jobs.join(', ')}: without it, lsh does not run ${jobs.length === 1 ? 'this job' : 'these jobs'}.`,
      'Take it out of their calendars first, or give --force.',
    );
  }
  removeCalendar(name);
  print(context.io, `calendar "${name}" removed`);
}

export function addAdd(calendar: Command, context: Context): void {
  const command = calendar
    .command('add')
    .description('Add a calendar, or replace the one of that name. Jobs that name it follow within a minute.')
    .argument('<name>', 'name of the calendar: lower-case letters, digits and hyphens')
    .argument('<file>', 'an iCalendar file, or a text with one date a line; - reads stdin')
    .action((name: string, file: string) => add(context, name, file));
  withExamples(
    command,
    ['lsh calendar add bank-holidays holidays.ics', 'Add the calendar that a website or an office offers'],
    ['printf "2026-12-24/2027-01-03\\n" | lsh calendar add freeze -', 'Add days by themselves'],
  );
}

export function addRemove(calendar: Command, context: Context): void {
  const command = calendar
    .command('remove')
    .alias('rm')
    .description('Remove a calendar. Refused while a job names it.')
    .argument('<name>', 'a calendar')
    .option('--force', 'remove it all the same: the jobs that name it stop until they get another')
    .action((name: string, { force }: { force?: true }) => remove(context, name, force === true));
  withExamples(command, ['lsh calendar remove freeze', 'Remove a calendar that no job names']);
}
