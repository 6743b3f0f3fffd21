// `lsh cron get`: one job as a page: its definition, its state and its last runs.
import type { Command } from 'commander';
import { expectations } from '../../../core/decide/expectations/answers.ts';
import type { JobDocument } from '../../../core/document.ts';
import type { Platform } from '../../../core/executor.ts';
import { typicalDuration } from '../../../core/decide/expectations/typical-duration.ts';
import { formatDuration } from '../../../core/duration.ts';
import { oneLine } from '../../../core/printable.ts';
import { isSuspended } from '../../../core/schedule/suspension.ts';
import { platformOf, type Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { commandText, scheduleText, statusCell } from '../../output/job-words.ts';
import { paintFor, print, printDocument, printTable } from '../../output/print.ts';
import { RUN_HEADS, runRow } from '../../output/run-table.ts';
import { pad } from '../../output/text.ts';
import { calendar, relative } from '../../output/when.ts';

/** When the job runs next; where no slot says it, the condition Scheduled does. */
function nextText({ spec, status }: JobDocument, now: number): string | undefined {
  if (isSuspended(spec, now)) {
    const { resumeAt } = spec;
    return resumeAt === undefined
      ? 'paused'
      : `paused until ${calendar(Date.parse(resumeAt), spec.timeZone)}`;
  }
  const scheduled = status?.conditions.find(({ type }) => type === 'Scheduled');
  const text = scheduled?.reason === 'NextSlotKnown' ? undefined : scheduled?.message;
  if (status?.nextScheduleTime === undefined) return text;
  const next = Date.parse(status.nextScheduleTime);
  return [`${calendar(next, spec.timeZone)} (${relative(next, now)})`, text].filter(Boolean).join('. ');
}

/** Conditions that need a user while they are False. */
const PROBLEMS: ReadonlySet<string> = new Set(['Ready', 'Following']);

const TREND_WORDS = { longer: ', getting longer', shorter: ', getting shorter', steady: '' };

/** `12s usually, 19 of 20 runs within 20s, getting longer`. */
function durationText(durations: readonly number[] = []): string | undefined {
  const typical = typicalDuration(durations);
  if (typical === undefined) return undefined;
  const { p50Ms, p95Ms, trend } = typical;
  const tail = `${formatDuration(p50Ms)} usually, 19 of 20 runs within ${formatDuration(p95Ms)}`;
  return `${tail}${trend === undefined ? '' : TREND_WORDS[trend]}`;
}

// Fields that the head of the page shows.
const HEAD_FIELDS = new Set(['schedule', 'schedules', 'command', 'args', 'timeZone', 'description']);

function headFields(job: JobDocument, platform: Platform, now: number): [string, string | undefined][] {
  const { spec, status } = job;
  const text = (cell: ReturnType<typeof statusCell>) => (typeof cell === 'string' ? cell : cell.text);
  // The schedule names the zone, and every other instant of the page is of it.
  const when = (instant: string | undefined) =>
    instant && `${calendar(Date.parse(instant), spec.timeZone)} (${relative(Date.parse(instant), now)})`;
  const totals = status?.totals;
  return [
    ['Name', job.metadata.name],
    ['Namespace', platform === 'cluster' ? job.metadata.namespace : undefined],
    ['Description', spec.description],
    ['Status', text(statusCell(job))],
    ['Schedule', `${scheduleText(job)} (${spec.timeZone})`],
    ['Command', commandText(job)],
    ['Next', nextText(job, now)],
    ['Last success', when(status?.lastSuccessfulTime)],
    ['Last failure', when(status?.lastFailureTime)],
    [
      'Runs',
      totals &&
        `${totals.completed} completed, ${totals.failed} failed, ${totals.killed} killed, ${totals.missed} missed`,
    ],
    ['Duration', durationText(status?.durationsMs)],
    ...expectations(job),
    ['Created', when(job.metadata.creationTimestamp)],
  ];
}

/** A field as people read it: `NAME=value`, `limit: 3, factor: 2`, `a, b`; what is nested deeper stays JSON. */
function fieldText(value: unknown): string {
  if (Array.isArray(value)) return value.map(itemText).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  const isDeep = Object.values(value).some((each) => typeof each === 'object' && !Array.isArray(each));
  if (isDeep) return JSON.stringify(value);
  return Object.entries(value)
    .filter(([, each]) => !Array.isArray(each) || each.length > 0)
    .map(([key, each]) => `${key}: ${fieldText(each)}`)
    .join(', ');
}

function itemText(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item);
  const { name, value, ...rest } = item as Record<string, unknown>;
  if (typeof name === 'string' && typeof value === 'string' && Object.keys(rest).length === 0)
    return `${name}=${value}`;
  return fieldText(item);
}

interface Use {
  name: string;
  days?: string;
}
interface Following {
  job: string;
  when?: string;
}
interface Rule {
  channels: string[];
  events?: string[];
  after?: number;
  repeat?: string;
}

/** Lists of objects, each entry as its flag writes it: `team:Failed,Missed; ann`. */
const ENTRY_TEXTS: Record<string, (entry: never) => string> = {
  after: ({ job, when }: Following) => withDetail(job, when),
  calendars: ({ name, days }: Use) => withDetail(name, days),
  notify: ({ channels, events, after, repeat }: Rule) => {
    const limits = [after && `after ${after} failures`, repeat && `again after ${repeat}`].filter(Boolean);
    const rule = withDetail(channels.join('+'), events?.join(','));
    return limits.length === 0 ? rule : `${rule} (${limits.join(', ')})`;
  },
};

function withDetail(name: string, detail: string | undefined): string {
  return detail === undefined ? name : `${name}:${detail}`;
}

function specText(key: string, value: unknown): string {
  const entryText = ENTRY_TEXTS[key];
  if (entryText === undefined || !Array.isArray(value) || value.length === 0) return fieldText(value);
  return value.map((entry) => entryText(entry as never)).join('; ');
}

/** The line of the concurrency group, while a run waits in it. */
async function waitFields({ api }: Context, job: JobDocument): Promise<[string, string][]> {
  if (job.spec.concurrencyGroup === undefined) return [];
  const { groupText, groupView, waitsForGroup } = await import('../../../core/decide/related/group-view.ts');
  if (!waitsForGroup(job)) return [];
  const view = groupView(job, await (await api()).list({}));
  return view === undefined ? [] : [['Waits for', groupText(view)]];
}

async function backfillFields({ spec, status }: JobDocument): Promise<[string, string][]> {
  if (status?.backfill === undefined) return [];
  const { backfillText } = await import('./backfill.ts');
  return [['Backfill', backfillText(status.backfill, spec.timeZone)]];
}

async function specFields(job: JobDocument, platform: Platform, now: number): Promise<[string, string][]> {
  const { manifestOf } = await import('../../input/manifest.ts');
  // The fields stay in the spec after the pause, and would read as if it went on.
  const pauseIsOver = job.spec.suspend && !isSuspended(job.spec, now);
  return Object.entries(manifestOf(job, platform).spec)
    .filter(([key]) => !HEAD_FIELDS.has(key))
    .map(([key, value]) => {
      const over = pauseIsOver && key === 'resumeAt' ? ' (the pause is over)' : '';
      return [key, `${specText(key, value)}${over}`];
    });
}

async function get(context: Context, name: string, { output }: { output?: Format }): Promise<void> {
  const { io, api } = context;
  const job = await (await api()).get({ name });
  if (isDocumentFormat(output)) return printDocument(io, job, output);
  if (output === 'name') return print(io, job.metadata.name);
  const now = io.now();
  const fields = [
    ...headFields(job, platformOf(context), now),
    ...(await waitFields(context, job)),
    ...(await backfillFields(job)),
    ...(await specFields(job, platformOf(context), now)),
  ].filter(([, value]) => value !== undefined);
  const width = Math.max(...fields.map(([key]) => key.length));
  const bold = (text: string) => paintFor(io.stdout)('head', text);
  print(io, ...fields.map(([key, value]) => `${bold(pad(`${key}:`, width + 1))} ${oneLine(value ?? '')}`));
  const problems =
    job.status?.conditions.filter(({ type, status }) => PROBLEMS.has(type) && status === 'False') ?? [];
  print(io, ...problems.map(({ reason, message }) => `${bold('Problem:')} ${reason}: ${oneLine(message)}`));
  const runs = [...(job.status?.active ?? []), ...(job.status?.recentRuns ?? [])];
  if (runs.length === 0) return;
  print(io, '', bold('Recent runs'));
  printTable(
    io,
    RUN_HEADS,
    runs.map((run) => runRow(run, now, job.spec.timeZone)),
  );
}

export function addGet(cron: Command, context: Context): void {
  const command = cron
    .command('get')
    .alias('info')
    .description(
      'Show one job: its definition, its state and its last runs. All times are in the zone of the job.',
    )
    .argument('<name>', 'the job')
    .addOption(formatOption('table', 'json', 'yaml', 'name'))
    .action((name: string, options: { output?: Format }) => get(context, name, options));
  withExamples(
    command,
    ['lsh cron get rotate-secrets', 'Show the job as a page'],
    ['lsh cron get rotate-secrets -o json | jq -r .status.nextScheduleTime', 'Print one field for a script'],
  );
}
