// `lsh cron explain`: why a job did or did not run at an instant.
import type { Command } from 'commander';
import type { JobApi } from '../../../contracts/job-api.ts';
import {
  readClockEffect,
  type JobDocument,
  type RunDocument,
  type SlotDocument,
} from '../../../core/document.ts';
import { expectations } from '../../../core/decide/expectations/answers.ts';
import type { GroupView } from '../../../core/decide/related/group-view.ts';
import { LshError } from '../../../core/errors.ts';
import type { Schedule } from '../../../core/schedule/schedule.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { paintFor, print, printDocument } from '../../output/print.ts';
import { calendar, relative } from '../../output/when.ts';
import { requireRemote, withOriginOption } from '../../remote-options.ts';

/** Enough for the retries and the manual runs that follow an instant. */
const MAX_RUNS = 1000;

interface Schedules {
  /** Every slot, also those that the clock passed before it was set back. */
  all: Schedule;
  /** The slots that are to come. */
  coming: Schedule;
}

/** The job. Throws JOB_NOT_FOUND, with a hint at the runs that a job which is gone left behind. */
async function jobOf(api: JobApi, name: string): Promise<JobDocument> {
  try {
    return await api.get({ name });
  } catch (error) {
    if (!(error instanceof LshError) || error.code !== 'JOB_NOT_FOUND') throw error;
    const runs = await api.runs({ name, limit: 1 }).catch(() => []);
    if (runs.length === 0) throw error;
    const hint = `The job is removed, or ran once and is over. Its runs stay: \`lsh cron history ${name}\`.`;
    throw new LshError('JOB_NOT_FOUND', { name }, { cause: error, hint });
  }
}

async function schedulesOf({ metadata, spec, status }: JobDocument): Promise<Schedules> {
  const { jobSchedule } = await import('../../../core/schedule/job-schedule.ts');
  const { NO_EFFECT } = await import('../../../core/schedule/clock-effect.ts');
  const { shownCalendars } = await import('../../../core/schedule/days/day-rules.ts');
  const job = {
    key: `${metadata.namespace}/${metadata.name}`,
    spec,
    createdAt: Date.parse(metadata.creationTimestamp),
  };
  const schedule = jobSchedule(job, { calendars: shownCalendars(status?.calendars) });
  const effect = readClockEffect(status?.clockEffect);
  if (effect === undefined) return { all: schedule, coming: schedule };
  const all = schedule.under({ ...NO_EFFECT, shiftMs: effect.shiftMs });
  return { all, coming: schedule.under(effect) };
}

/** The newest slot that ran: only the daemon knows the slots of @reboot and @daemon-start. */
function lastSlotOf({ status }: JobDocument): number | undefined {
  return status?.lastScheduleTime === undefined ? undefined : Date.parse(status.lastScheduleTime);
}

/** The slot of the newest run that followed another job. */
function lastAfterSlot({ status }: JobDocument): number | undefined {
  const runs = [...(status?.active ?? []), ...(status?.recentRuns ?? [])];
  return newestOf(...runs.filter(({ trigger }) => trigger === 'After').map(({ slot }) => Date.parse(slot)));
}

function newestOf(...instants: (number | undefined)[]): number | undefined {
  const known = instants.filter((instant) => instant !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** The runs since the instant. Includes the runs of the slots, even if more than MAX_RUNS followed. */
async function runsAround(
  api: JobApi,
  name: string,
  at: number,
  slots: SlotDocument[],
): Promise<RunDocument[]> {
  const since = new Date(at).toISOString();
  const runs = await api.runs({ name, since, limit: MAX_RUNS });
  const missing = slots.flatMap(({ run }) =>
    run === undefined || runs.some(({ name }) => name === run) ? [] : run,
  );
  for (const run of missing) {
    try {
      runs.push(await api.run({ run }));
    } catch (error) {
      // The store may keep a slot longer than its run; the answer then says that the record is gone.
      if (!(error instanceof LshError) || error.code !== 'RUN_NOT_FOUND') throw error;
    }
  }
  return runs;
}

/** The concurrency group of the job, while a run of it waits there. */
async function groupOf(api: JobApi, job: JobDocument): Promise<GroupView | undefined> {
  if (job.spec.concurrencyGroup === undefined) return undefined;
  const { groupView, waitsForGroup } = await import('../../../core/decide/related/group-view.ts');
  return waitsForGroup(job) ? groupView(job, await api.list({})) : undefined;
}

/** How the job stands now, by headings: what is expected of it, and what channels hear of it. */
async function standingOf(api: JobApi, job: JobDocument): Promise<Record<string, string[]>> {
  const { noticeSentences } = await import('../../../core/notices/explain-notices.ts');
  const { zonedInstant } = await import('../../../core/schedule/zone/zoned-instant.ts');
  const notices = noticeSentences(await api.noticesOf({ name: job.metadata.name }), {
    memory: job.status?.notices,
    say: (instant) => zonedInstant(instant, job.spec.timeZone),
  });
  const expected = expectations(job).map((answer) => answer.join(': '));
  return {
    ...(expected.length > 0 && { expectations: expected }),
    ...(notices.length > 0 && { notices }),
  };
}

export async function atOf(text: string, now: number, { spec: { timeZone } }: JobDocument): Promise<number> {
  const { readInstant } = await import('../../input/instant.ts');
  // A slot is a whole second.
  return Math.floor(readInstant(text, { flag: '--at', now, timeZone, towards: 'past' }) / 1000) * 1000;
}

export interface ExplainFlags {
  at?: string;
  origin?: string;
  output?: Format;
}

async function explain(context: Context, name: string, flags: ExplainFlags): Promise<void> {
  requireRemote(context, '--origin', flags.origin);
  if (context.isRemote) {
    const { teamExplain } = await import('./remote/explain.ts');
    return teamExplain(context, name, flags);
  }
  const { io } = context;
  const now = io.now();
  const api = await context.api();
  const job = await jobOf(api, name);
  const { all: schedule, coming } = await schedulesOf(job);
  const created = Date.parse(job.metadata.creationTimestamp);
  const at =
    flags.at === undefined
      ? (newestOf(schedule.previous(now, created - 1), lastAfterSlot(job)) ??
        lastSlotOf(job) ??
        coming.next(now) ??
        now)
      : await atOf(flags.at, now, job);
  const instant = new Date(at).toISOString();
  const slots = await api.slots({ name, from: instant, to: instant });
  const runs = await runsAround(api, name, at, slots);
  const { explainInstant } = await import('../../../core/decide/explain/explain-instant.ts');
  const group = await groupOf(api, job);
  const sentences = explainInstant({ job, at, now, schedule, coming, slots, runs, ...(group && { group }) });
  const standing = flags.at === undefined ? await standingOf(api, job) : {};
  if (isDocumentFormat(flags.output)) {
    const answer = {
      job: name,
      at: instant,
      answer: sentences,
      ...standing,
      slots,
    };
    return printDocument(io, answer, flags.output);
  }
  const zone = job.spec.timeZone;
  const paint = paintFor(io.stdout);
  print(io, paint('head', `${name} at ${calendar(at, zone)} (${zone}, ${relative(at, now)})`), ...sentences);
  for (const [heading, lines] of Object.entries(standing))
    print(io, paint('head', heading.charAt(0).toUpperCase() + heading.slice(1)), ...lines);
}

export function addExplain(cron: Command, context: Context): void {
  const command = withOriginOption(cron.command('explain'))
    .description(
      'Say why a job did or did not run: at its last slot, with what is expected of it and what channels hear of it, or at any instant; with --remote, what the runs in the team’s record say, for each origin. All times are in the zone of the job.',
    )
    .argument('<name>', 'the job')
    .option(
      '--at <instant>',
      'instant in the zone of the job: 02:00, "yesterday 20:08:30", "2026-11-22 02:00" or RFC 3339; default: the last slot',
    )
    .addOption(formatOption('json', 'yaml'))
    .action((name: string, flags: ExplainFlags) => explain(context, name, flags));
  withExamples(
    command,
    ['lsh cron explain rotate-secrets', 'Explain the last slot: did the job run, and if not, why?'],
    ['lsh cron explain rotate-secrets --at "2026-11-22 02:00"', 'Explain any other instant'],
  );
}
