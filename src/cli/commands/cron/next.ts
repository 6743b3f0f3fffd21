// `lsh cron next`: the next slots of a job or of an expression. An expression needs no daemon.
import type { Command } from 'commander';
import { jobKey } from '../../../core/naming.ts';
import { rfc3339 } from '../../../core/rfc3339.ts';
import { nextStarts } from '../../../core/schedule/expression/start-macros.ts';
import type { ScheduleInput } from '../../../core/schedule/schedule.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { expressionInput, nameNotes } from '../../input/expression.ts';
import { parseCount } from '../../input/flags.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, paintFor, print, printDocument } from '../../output/print.ts';
import { calendar, relative } from '../../output/when.ts';

interface NextFlags {
  tz?: string;
  name?: string;
  count: number;
  from?: string;
  explain?: true;
  output?: Format;
}

/** A job's name is a DNS label; any other text is an expression. */
const JOB_NAME = /^[a-z0-9][a-z0-9-]*$/;

async function scheduleOf(context: Context, target: string, { tz, name }: NextFlags): Promise<ScheduleInput> {
  if (!JOB_NAME.test(target)) return expressionInput(context, target, { tz, name });
  if (name !== undefined) {
    throw usage(`"${target}" is a job and has a name.`, 'Leave --name out; it goes with an expression.');
  }
  const { metadata, spec, status } = await (await context.api()).get({ name: target });
  const { scheduleInput } = await import('../../../core/schedule/job-schedule.ts');
  const { shownCalendars } = await import('../../../core/schedule/days/day-rules.ts');
  const job = {
    key: jobKey(metadata.namespace, metadata.name),
    spec: { ...spec, timeZone: tz ?? spec.timeZone },
    createdAt: Date.parse(metadata.creationTimestamp),
  };
  return scheduleInput(job, shownCalendars(status?.calendars));
}

async function fromOf(text: string, now: number, { timeZone }: ScheduleInput): Promise<number> {
  const { readInstant } = await import('../../input/instant.ts');
  return readInstant(text, { flag: '--from', now, timeZone, towards: 'future' });
}

async function next(context: Context, target: string, flags: NextFlags): Promise<void> {
  const { io } = context;
  const now = io.now();
  const input = await scheduleOf(context, target, flags);
  if (!JOB_NAME.test(target)) {
    for (const text of await nameNotes(input, flags))
      note(io, `${paintFor(io.stderr)('warn', 'note:')} ${text}`);
  }
  const from = flags.from === undefined ? now : await fromOf(flags.from, now, input);
  const { explainSlots } = await import('../../../core/schedule/explain.ts');
  const { slots, taken, warnings } = explainSlots(input, from, flags.count);
  if (isDocumentFormat(flags.output)) {
    const documents = slots.map(({ slot, ...rest }) => ({ slot: rfc3339(slot), ...rest }));
    return printDocument(io, documents, flags.output);
  }
  const starts = nextStarts(input.expressions);
  if (slots.length === 0 && starts.length === 0) return note(io, 'No further slot is due.');
  const paint = paintFor(io.stdout);
  const lines = slots.map(({ slot, utcOffset, note: reason }) => {
    const explained = flags.explain
      ? `  UTC${utcOffset}${reason === undefined ? '' : `  ${paint('warn', reason)}`}`
      : '';
    const text = `${calendar(slot, input.timeZone)}  ${paint('dim', relative(slot, now))}${explained}`;
    return { slot, text };
  });
  if (flags.explain) {
    const { takenText } = await import('../../../core/schedule/days/day-rules.ts');
    for (const { from: slot, to, count, by } of taken) {
      const until = count === 1 ? '' : ` to ${calendar(to, input.timeZone)} (${count} slots)`;
      const why = paint('warn', `no run: ${takenText(by)}`);
      lines.push({ slot, text: `${calendar(slot, input.timeZone)}${until}  ${why}` });
    }
  }
  print(io, ...lines.sort((a, b) => a.slot - b.slot).map(({ text }) => text));
  print(io, ...starts.map((start) => `at ${start}`));
  if (flags.explain) print(io, ...warnings.map((warning) => `${paint('warn', 'note:')} ${warning}`));
}

export function addNext(cron: Command, context: Context): void {
  const command = cron
    .command('next')
    .description('Show the next slots of a job or of an expression. An expression needs no daemon.')
    .argument('<name|expr>', 'a job, or an expression in quotes')
    .option('-n, --count <count>', 'number of slots; default: 5', parseCount, 5)
    .option('--tz <zone>', 'IANA time zone; default: the zone of the job, or of this machine')
    .option(
      '--from <instant>',
      'show slots after this instant, in the zone of the schedule, such as 2027-01-01; default: now',
    )
    .option('--name <name>', 'the job that would have the expression: decides where H falls')
    .option('--explain', 'show UTC offsets, and what clock changes do to the slots')
    .addOption(formatOption('json', 'yaml'))
    .action((target: string, flags: NextFlags) => next(context, target, flags));
  withExamples(
    command,
    ['lsh cron next rotate-secrets', 'Show the next five slots of a job'],
    [
      'lsh cron next "30 2 * * *" --tz America/New_York --explain',
      'Show the slots of an expression, and what clock changes do to them',
    ],
  );
}
