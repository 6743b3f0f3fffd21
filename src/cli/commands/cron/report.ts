// `lsh cron report`: figures over the stored history, for one job or for all.
import { typicalDuration, type Trend } from '../../../core/decide/expectations/typical-duration.ts';
import { formatDuration } from '../../../core/duration.ts';
import type { Command } from 'commander';
import type { JobStats } from '../../../contracts/job-api.ts';
import type { TeamStats } from '../../../contracts/team-record.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { SINCE, sinceOf } from '../../input/since.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { printCsv, note, printDocument, printTable } from '../../output/print.ts';
import type { Cell } from '../../output/table.ts';
import { sparkline } from '../../output/text.ts';
import { relative } from '../../output/when.ts';
import { requireRemote, withOriginOption } from '../../remote-options.ts';

/** Of one job, or of one job at one origin of the team's record, which does not say what was missed. */
type Figures = Omit<JobStats, 'missed'> &
  Pick<Partial<TeamStats>, 'namespace' | 'origin'> & { missed?: number };

const HEADS = [
  'NAME',
  'RUNS',
  'SUCCESS',
  'FAILED',
  'KILLED',
  'MISSED',
  'AVERAGE',
  'P50',
  'P95',
  'TREND',
  'LAST',
  'DURATIONS',
];
const CSV_HEADS = [
  'job',
  'completed',
  'failed',
  'killed',
  'missed',
  'successRate',
  'averageMs',
  'p95Ms',
  'firstRunAt',
  'lastRunAt',
  'p50Ms',
  'trend',
];

/** Share of finished runs that completed, 0 to 1; undefined if no run finished. */
function successRate({ completed, failed, killed }: Figures): number | undefined {
  const finished = completed + failed + killed;
  return finished === 0 ? undefined : completed / finished;
}

/** Of the newest runs. */
function recentOf({ recentDurationsMs }: Figures): { p50Ms?: number; trend?: Trend } {
  const { p50Ms, trend } = typicalDuration(recentDurationsMs) ?? {};
  return { ...(p50Ms !== undefined && { p50Ms }), ...(trend && { trend }) };
}

function rateCell(stats: Figures): Cell {
  const rate = successRate(stats);
  if (rate === undefined) return '-';
  // Rounded down: 999 of 1000 is not 100 %.
  return {
    text: `${Math.floor(rate * 1000) / 10} %`,
    style: rate === 1 ? 'good' : rate < 0.9 ? 'bad' : 'warn',
  };
}

function row(stats: Figures, now: number): Cell[] {
  const { completed, failed, killed, missed } = stats;
  const ms = (value: number | undefined) => (value === undefined ? '-' : formatDuration(value));
  const recent = recentOf(stats);
  return [
    stats.job,
    String(completed + failed + killed),
    rateCell(stats),
    ...[failed, killed, missed ?? '-'].map(String),
    ms(stats.averageMs),
    ms(recent.p50Ms),
    ms(stats.p95Ms),
    recent.trend ?? '-',
    stats.lastRunAt === undefined ? '-' : relative(Date.parse(stats.lastRunAt), now),
    sparkline(stats.recentDurationsMs),
  ];
}

function csvRow(stats: Figures): (string | number | undefined)[] {
  const { job, completed, failed, killed, missed, averageMs, p95Ms, firstRunAt, lastRunAt } = stats;
  const rate = successRate(stats);
  const recent = recentOf(stats);
  return [
    job,
    completed,
    failed,
    killed,
    missed,
    rate?.toFixed(4),
    averageMs?.toFixed(0),
    p95Ms?.toFixed(0),
    firstRunAt,
    lastRunAt,
    recent.p50Ms?.toFixed(0),
    recent.trend,
  ];
}

/** As row(), with the origin. */
function teamRow(stats: Figures, now: number): Cell[] {
  return row(stats, now).toSpliced(1, 0, stats.origin?.name ?? '-');
}

function teamCsvRow(stats: Figures): (string | number | undefined)[] {
  return [...csvRow(stats), stats.namespace, stats.origin?.name, stats.origin?.id];
}

interface ReportFlags {
  all?: true;
  since?: string;
  origin?: string;
  output?: Format;
}

/** The figures of the local daemon, of the cluster, or of the team's record. Throws JOB_NOT_FOUND. */
async function figuresOf(
  { io, api, isRemote }: Context,
  name: string | undefined,
  flags: ReportFlags,
): Promise<Figures[]> {
  const since = await sinceOf(flags.since, io);
  if (isRemote) {
    const { teamStatsOf } = await import('./remote/report.ts');
    return teamStatsOf(name, { ...(flags.origin !== undefined && { origin: flags.origin }), ...since });
  }
  const jobs = await api();
  const stats = await jobs.stats({ ...(name === undefined ? {} : { name }), ...since });
  if (stats.length === 0 && name !== undefined) await jobs.get({ name });
  return stats;
}

async function report(context: Context, name: string | undefined, flags: ReportFlags): Promise<void> {
  const { io, isRemote } = context;
  requireRemote(context, '--origin', flags.origin);
  if (name !== undefined && flags.all) throw usage('Give a name or --all, not both.');
  const stats = await figuresOf(context, name, flags);
  if (isDocumentFormat(flags.output)) {
    return printDocument(
      io,
      stats.map((job) => ({ ...job, successRate: successRate(job), ...recentOf(job) })),
      flags.output,
    );
  }
  if (flags.output === 'csv') {
    return isRemote
      ? printCsv(io, [...CSV_HEADS, 'namespace', 'origin', 'originId'], [stats.map(teamCsvRow)])
      : printCsv(io, CSV_HEADS, [stats.map(csvRow)]);
  }
  if (stats.length === 0) return note(io, 'No runs yet.');
  const now = io.now();
  printTable(
    io,
    isRemote ? HEADS.toSpliced(1, 0, 'ORIGIN') : HEADS,
    stats.map((job) => (isRemote ? teamRow : row)(job, now)),
  );
}

export function addReport(cron: Command, context: Context): void {
  const command = withOriginOption(cron.command('report'))
    .description(
      'Show success rate, durations and missed slots over the stored history; with --remote, of each job at each origin.',
    )
    .argument('[name]', 'the job; default: all jobs')
    .option('--all', 'report all jobs, as without a name')
    .option('--since <when>', `only runs and slots since ${SINCE}`)
    .addOption(formatOption('table', 'json', 'yaml', 'csv'))
    .action((name: string | undefined, flags: ReportFlags) => report(context, name, flags));
  withExamples(
    command,
    ['lsh cron report', 'Report all jobs, with the last durations as bars'],
    ['lsh cron report --remote --since 7d', 'Compare the week of all machines and clusters'],
    ['lsh cron report --since 30d -o csv > report.csv', 'Write the last 30 days for a spreadsheet'],
  );
}
