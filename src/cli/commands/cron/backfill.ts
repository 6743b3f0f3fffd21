// `lsh cron backfill`: runs past slots of a job.
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { loadConfig } from '../../../config.ts';
import type { BackfillAnswer } from '../../../contracts/backfill.ts';
import { BACKFILL_MAX_PARALLEL, BACKFILL_MAX_SLOTS } from '../../../core/backfill/backfill.ts';
import type { BackfillDocument } from '../../../core/backfill/backfill-document.ts';
import type { LeftReason } from '../../../core/backfill/plan.ts';
import type { JobDocument } from '../../../core/document.ts';
import { rfc3339 } from '../../../core/rfc3339.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { parseCount } from '../../input/flags.ts';
import type { Io } from '../../io.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, print, printDocument, printTable } from '../../output/print.ts';
import { counted } from '../../output/text.ts';
import { calendar } from '../../output/when.ts';

interface BackfillFlags {
  from?: string;
  to?: string;
  parallel: number;
  failedOnly?: true;
  dryRun?: true;
  cancel?: true;
  output?: Format;
}

const LEFT_WORDS: Record<LeftReason, string> = {
  Ran: 'ran already',
  Active: 'with an active run',
  NoFailure: 'without a failed run',
  NotDue: 'left to the schedule',
  NoRecord: 'without a record',
};

async function backfill(context: Context, name: string, flags: BackfillFlags): Promise<void> {
  if (flags.cancel) return cancel(context, name, flags);
  if (flags.from === undefined)
    throw usage('--from is missing: which slots?', 'Give the first instant, such as --from "2026-11-01".');
  const { io } = context;
  const api = await context.api();
  const { spec } = await api.get({ name });
  const range = await rangeOf(flags.from, flags.to, { now: io.now(), timeZone: spec.timeZone });
  const { user, logname } = loadConfig();
  const requestedBy = user ?? logname;
  const answer = await api.backfill({
    name,
    id: randomUUID(),
    ...range,
    parallel: flags.parallel,
    ...(flags.failedOnly && { failedOnly: true }),
    ...(flags.dryRun && { dryRun: true }),
    ...(requestedBy !== undefined && { requestedBy }),
  });
  if (isDocumentFormat(flags.output)) return printDocument(io, answer, flags.output);
  if (flags.dryRun && answer.slots.length > 0)
    printTable(
      io,
      ['SLOT', 'ATTEMPT', 'RUN'],
      answer.slots.map(({ slot, attempt, run }) => [
        calendar(Date.parse(slot), spec.timeZone),
        String(attempt),
        run,
      ]),
    );
  const parallel = parallelOf(io, spec, flags);
  print(io, sentence(answer, { dryRun: flags.dryRun, parallel }));
  if (answer.backfill === undefined) return;
  note(io, `\`lsh cron get ${name}\` shows how far it is; \`lsh cron backfill ${name} --cancel\` ends it.`);
}

/** How many runs there are at a time: only Allow lets runs of a job overlap. */
function parallelOf(io: Io, { concurrencyPolicy }: JobDocument['spec'], { parallel }: BackfillFlags): number {
  if (concurrencyPolicy === 'Allow' || parallel === 1) return parallel;
  note(io, '--parallel needs the concurrencyPolicy Allow: runs do not overlap.');
  return 1;
}

/** In the zone of the job, as its slots are. */
async function rangeOf(
  from: string,
  to: string | undefined,
  { now, timeZone }: { now: number; timeZone: string },
): Promise<{ from: string; to: string }> {
  const { readInstant } = await import('../../input/instant.ts');
  const read = (flag: string, text: string) => readInstant(text, { flag, now, timeZone, towards: 'past' });
  const first = read('--from', from);
  const last = to === undefined ? now : read('--to', to);
  if (first > now || last > now)
    throw usage(
      `${first > now ? '--from' : '--to'} lies in the future.`,
      'A backfill runs past slots; the schedule runs the others.',
    );
  if (first > last) throw usage('--from is later than --to.', 'Give the earlier instant as --from.');
  return { from: rfc3339(Math.ceil(first / 1000) * 1000), to: rfc3339(Math.floor(last / 1000) * 1000) };
}

/** `backfill of job "x" started: 5 slots, at most 1 at a time; left out: 2 ran already`. */
function sentence(
  { job, slots, left }: BackfillAnswer,
  { dryRun, parallel }: { dryRun: true | undefined; parallel: number },
): string {
  const others = Object.entries(left).map(
    ([reason, count]) => `${count} ${LEFT_WORDS[reason as LeftReason]}`,
  );
  const rest = others.length === 0 ? '' : `; left out: ${others.join(', ')}`;
  if (slots.length === 0) return `job "${job}" has no slot to run in this range${rest}`;
  const what = `${counted(slots.length, 'slot')}, at most ${parallel} at a time${rest}`;
  return dryRun ? `would run ${what}` : `backfill of job "${job}" started: ${what}`;
}

async function cancel({ io, api }: Context, name: string, { output }: BackfillFlags): Promise<void> {
  const answer = await (await api()).cancelBackfill({ name });
  if (isDocumentFormat(output)) return printDocument(io, answer, output);
  const { backfill: ended } = answer;
  print(io, ended === undefined ? `job "${name}" has no backfill under way` : cancelled(name, ended));
}

function cancelled(name: string, ended: BackfillDocument): string {
  return `backfill of job "${name}" cancelled: ${progressText(ended)}`;
}

/** `Running: 12 of 30 slots have ended, 2 failed; 18 to come; from … to …`. */
export function backfillText(backfill: BackfillDocument, timeZone: string): string {
  const { phase, message, from, to, requestedBy } = backfill;
  const whose = requestedBy === undefined ? '' : `, requested by ${requestedBy}`;
  const range = `from ${calendar(Date.parse(from), timeZone)} to ${calendar(Date.parse(to), timeZone)}${whose}`;
  if (phase === 'Refused') return `Refused: ${message ?? 'no reason is known'}; ${range}`;
  const why = message === undefined ? '' : ` (${message.replace(/\.$/, '')})`;
  return `${phase}${why}: ${progressText(backfill)}; ${range}`;
}

/** `12 of 30 slots ran, 2 of them failed, 18 have no run of it`. */
function progressText({ slots, completed, failed, pending }: BackfillDocument): string {
  const left = pending.reduce((sum, { count }) => sum + count, 0);
  const ended = `${completed + failed} of ${counted(slots, 'slot')} ran`;
  const bad = failed === 0 ? '' : `, ${failed} of them failed`;
  return `${ended}${bad}${left === 0 ? '' : `, ${left} did not start`}`;
}

export function addBackfill(cron: Command, context: Context): void {
  const command = cron
    .command('backfill')
    .description(
      `Run past slots of a job: those that are recorded without a run, and those from before the job was created. At most ${BACKFILL_MAX_SLOTS} slots; the schedule goes on.`,
    )
    .argument('<name>', 'the job')
    .option(
      '--from <instant>',
      'first instant, in the zone of the job: 2026-11-01, "2026-11-01 14:00", "7d ago"',
    )
    .option('--to <instant>', 'last instant; default: now')
    .option(
      '--parallel <n>',
      `runs at a time, if the concurrencyPolicy of the job is Allow; default: 1, at most ${BACKFILL_MAX_PARALLEL}`,
      parseCount,
      1,
    )
    .option('--failed-only', 'run only slots again whose last run failed')
    .option('--dry-run', 'show the slots, and run none')
    .option('--cancel', 'end the backfill that is under way; its active runs go on')
    .addOption(formatOption('table', 'json', 'yaml'))
    .action((name: string, flags: BackfillFlags) => backfill(context, name, flags));
  withExamples(
    command,
    ['lsh cron backfill report --from 2026-11-01 --to 2026-11-08 --dry-run', 'Show the slots that would run'],
    ['lsh cron backfill report --from 2026-11-01 --parallel 4', 'Run the slots since then that did not run'],
    ['lsh cron backfill report --from yesterday --failed-only', 'Run what failed since yesterday again'],
  );
}
