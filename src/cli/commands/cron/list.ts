// `lsh cron list`: every job with its last result and its next run.
import type { Command } from 'commander';
import type { JobDocument } from '../../../core/document.ts';
import { OVERDUE_MS } from '../../../local/socket/protocol.ts';
import type { Context } from '../../context.ts';
import { repeatable, withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { commandText, lastCell, nextCell, scheduleText, statusCell } from '../../output/job-words.ts';
import { note, paintFor, print, printDocument, printTable } from '../../output/print.ts';
import { counted } from '../../output/text.ts';
import { calendar } from '../../output/when.ts';
import type { Cell } from '../../output/table.ts';
import { requireRemote, withOriginOption } from '../../remote-options.ts';

const HEADS = ['NAME', 'SCHEDULE', 'LAST', 'NEXT', 'STATUS'];
const WIDE_HEADS = ['ZONE', 'OK', 'FAILED', 'KILLED', 'MISSED', 'TAGS', 'COMMAND'];

function row(job: JobDocument, now: number, group: string | undefined): Cell[] {
  const last = lastCell(job, now, group);
  return [job.metadata.name, scheduleText(job), last, nextCell(job, now), statusCell(job)];
}

/** What the jobs wait for that wait in a concurrency group. */
async function groupsOf(jobs: readonly JobDocument[]): Promise<(job: JobDocument) => string | undefined> {
  const waiting = jobs.filter(({ spec }) => spec.concurrencyGroup !== undefined);
  if (waiting.length === 0) return () => undefined;
  const { groupText, groupView } = await import('../../../core/decide/related/group-view.ts');
  return (job) => {
    const view = groupView(job, waiting);
    return view && groupText(view);
  };
}

function wideRow(job: JobDocument): Cell[] {
  const { completed = 0, failed = 0, killed = 0, missed = 0 } = job.status?.totals ?? {};
  const totals = [completed, failed, killed, missed].map(String);
  return [job.spec.timeZone, ...totals, job.spec.tags.join(','), commandText(job)];
}

export interface ListFlags {
  tag?: string[];
  origin?: string;
  job?: string;
  allNamespaces?: true;
  all?: true;
  output?: Format;
}

const byName = ({ metadata: a }: JobDocument, { metadata: b }: JobDocument) =>
  a.namespace === b.namespace ? (a.name < b.name ? -1 : 1) : a.namespace < b.namespace ? -1 : 1;

/** Whether the job was to run once and is over: in a cluster its object stays until a user deletes it. */
function hasRunOnce({ spec, status }: JobDocument): boolean {
  return spec.at !== undefined && status?.phase === 'Ended';
}

async function list(context: Context, flags: ListFlags): Promise<void> {
  const { io } = context;
  const { tag, allNamespaces, output } = flags;
  requireRemote(context, '--origin', flags.origin);
  requireRemote(context, '--job', flags.job);
  if (context.isRemote) {
    if (allNamespaces) throw usage('--remote has the jobs of all namespaces: give it without -A.');
    const { teamList } = await import('./remote/list.ts');
    return teamList(context, flags);
  }
  if (allNamespaces) context.cluster = { ...context.cluster, allNamespaces };
  const listed = await (await context.api()).list(tag ? { tags: tag } : {});
  const jobs = listed.filter((job) => flags.all || !hasRunOnce(job)).sort(byName);
  if (isDocumentFormat(output)) return printDocument(io, jobs, output);
  const namespace = ({ metadata }: JobDocument) => (allNamespaces ? [metadata.namespace] : []);
  if (output === 'name')
    return print(io, ...jobs.map((job) => [...namespace(job), job.metadata.name].join('/')));
  if (jobs.length === 0) {
    return note(
      io,
      tag ? 'No job has this tag.' : 'There are no jobs yet. Add one with `lsh cron add --help`.',
    );
  }
  const wide = output === 'wide';
  const now = io.now();
  const group = await groupsOf(jobs);
  printTable(
    io,
    [...(allNamespaces ? ['NAMESPACE'] : []), ...HEADS, ...(wide ? WIDE_HEADS : [])],
    jobs.map((job) =>
      row(job, now, group(job))
        .toSpliced(0, 0, ...namespace(job))
        .concat(wide ? wideRow(job) : []),
    ),
  );
  noteClock(context, jobs, now);
  if (context.cluster === undefined) warnOfOverdue(context, jobs, now);
}

/** While the clock shows times again, fixed times that ran do not run: the next run may look too far away. */
function noteClock({ io, cluster }: Context, jobs: readonly JobDocument[], now: number): void {
  const until = Math.max(...jobs.map(({ status }) => Date.parse(status?.clockEffect?.passUntil ?? '') || 0));
  if (until <= now) return;
  const mark = paintFor(io.stderr)('warn', 'note:');
  const more = cluster === undefined ? '; `lsh doctor` lists the steps' : '';
  note(io, `${mark} the clock was set back and shows times again until ${calendar(until)}${more}.`);
}

/** A daemon that cannot write evaluates nothing: its jobs look scheduled, with a next run in the past. */
function warnOfOverdue({ io }: Context, jobs: readonly JobDocument[], now: number): void {
  const overdue = jobs.filter(({ status }) => Date.parse(status?.nextScheduleTime ?? '') < now - OVERDUE_MS);
  if (overdue.length === 0) return;
  const mark = paintFor(io.stderr)('warn', 'note:');
  note(io, `${mark} ${counted(overdue.length, 'job')} overdue; \`lsh doctor\` says why.`);
}

export function addList(cron: Command, context: Context): void {
  const command = withOriginOption(cron.command('list'))
    .option('--job <name>', 'with --remote: only the job of this name')
    .alias('ls')
    .description(
      'List the jobs with their last result and their next run; with --remote, where each job of the team lives.',
    )
    .option('--tag <tag>', 'only jobs with this tag (repeatable: only jobs with all the tags)', repeatable)
    .option('-a, --all', 'also jobs of a cluster that were to run once and are over')
    .option('-A, --all-namespaces', 'jobs of all namespaces of a cluster; implies --cluster')
    .addOption(formatOption('table', 'wide', 'json', 'yaml', 'name'))
    .action((flags: ListFlags) => list(context, flags));
  withExamples(
    command,
    ['lsh cron list', 'List all jobs'],
    ['lsh cron list --cluster -A', 'List all jobs of a cluster'],
    [
      'lsh cron list --remote',
      'List all jobs of the team, the machines and clusters that have them, and differences',
    ],
    ['lsh cron list --tag backup -o wide', 'List the jobs with a tag, with totals and commands'],
    [
      "lsh cron list -o json | jq -r '.[] | select(.spec.suspend) | .metadata.name'",
      'Print the names of paused jobs',
    ],
  );
}
