// `lsh supabase status`: whether the team's project answers, what lsh may do there, and what this machine has still to write.
import type { Command } from 'commander';
import type { OriginDocument } from '../../../contracts/team-record.ts';
import { formatDuration } from '../../../core/duration.ts';
import { EXIT, toLshError, type LshError } from '../../../core/errors.ts';
import type { DaemonStatus } from '../../../local/socket/protocol.ts';
import type { ProjectStatus } from '../../../processes/supabase/project.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { report } from '../../failure.ts';
import { localApi } from '../../local-api.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { backlogText } from '../../output/history-text.ts';
import { note, paintFor, print, printDocument } from '../../output/print.ts';
import { counted, pad } from '../../output/text.ts';
import { calendar, relative } from '../../output/when.ts';
import { clockText, SKEW_MAX_MS } from '../cron/remote/team-jobs.ts';
import { problemsOf } from './project-problems.ts';

/** lsh_status() counts no further. */
const COUNT_MAX = 100_000;

function lines(status: ProjectStatus, now: number): [string, string][] {
  const { url, tookMs, key, schema, newestSchema, facts, clockAheadMs } = status;
  const state =
    schema === newestSchema
      ? 'up to date'
      : schema < newestSchema
        ? 'older than this lsh'
        : 'newer than this lsh';
  return [
    ['Project', `${url}, answered in ${formatDuration(tookMs)}`],
    ['Key', keyLine(key, facts?.role, now)],
    ['Schema', `${schema}, ${state}`],
    ...(facts === undefined ? [] : factLines(facts, status.isMember, now)),
    ['Clock', clockLine(clockAheadMs)],
  ];
}

function keyLine(
  { role, email, expiresAt }: ProjectStatus['key'],
  given: string | undefined,
  now: number,
): string {
  const end = expiresAt === undefined ? '' : `, expires ${relative(expiresAt, now)} (${calendar(expiresAt)})`;
  const who = email === undefined ? '' : `, ${email}`;
  return `role ${given ?? role ?? 'not known'}${who}${end}`;
}

function factLines(
  { writes, rows, newestRunAt }: NonNullable<ProjectStatus['facts']>,
  isMember: boolean,
  now: number,
): [string, string][] {
  const count = (number: number, noun: string) =>
    number >= COUNT_MAX ? `${COUNT_MAX.toLocaleString('en')} ${noun}s or more` : counted(number, noun);
  return [
    ['Rights', writes ? 'reads and writes' : isMember ? 'reads only, as every member' : 'reads only'],
    [
      'Rows',
      [
        count(rows.runs, 'run'),
        count(rows.jobs, 'job'),
        count(rows.origins, 'origin'),
        count(rows.runLogs, 'output chunk'),
        count(rows.audit, 'audit row'),
        count(rows.teams, 'team'),
        count(rows.members, 'member'),
      ].join(', '),
    ],
    ['Newest', newestRunAt === null ? 'no run yet' : `a run of ${relative(Date.parse(newestRunAt), now)}`],
  ];
}

function clockLine(aheadMs: number | undefined): string {
  if (aheadMs === undefined) return 'the project does not tell its time';
  if (Math.abs(aheadMs) <= SKEW_MAX_MS) return 'agrees with the project’s';
  return `${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'behind' : 'ahead of'} the project’s`;
}

/** Of the daemon of this machine; undefined without a daemon, or if it records nothing. */
async function localHistory(context: Context): Promise<DaemonStatus['history']> {
  try {
    return (await localApi(context.io).status({})).history;
  } catch {
    return undefined; // `lsh doctor` says why
  }
}

function backlogLine(history: DaemonStatus['history'], url: string | undefined, now: number): string {
  if (history === undefined) return 'not known: no daemon of this machine records';
  const elsewhere = url === undefined || history.url === url ? '' : `, for ${history.url}`;
  return `${backlogText(history, now)}${elsewhere}`;
}

const shown = ({ code, message, hint }: LshError) => ({ code, message, hint });

async function projectStatus(context: Context, { output }: { output?: Format }): Promise<void> {
  const { io } = context;
  const { configuredStatus, configuredUrl } = await import('../../../processes/supabase/project.ts');
  const [history, status] = await Promise.all([
    localHistory(context),
    configuredStatus(io.now).catch((error: unknown) => toLshError(error)),
  ]);
  const isAnswer = !(status instanceof Error);
  const problems = isAnswer ? problemsOf(status) : [status];
  const origins = isAnswer && status.schema === status.newestSchema ? await teamOrigins() : [];
  if (problems.length > 0) context.status = EXIT.failure;
  if (isDocumentFormat(output))
    return printDocument(
      io,
      { ...(isAnswer && status), origins, history: history ?? null, problems: problems.map(shown) },
      output,
    );
  const bold = (text: string) => paintFor(io.stdout)('head', text);
  const rows = isAnswer ? lines(status, io.now()) : [];
  const url = configuredUrl();
  if (url !== undefined) rows.push(['Backlog', backlogLine(history, url, io.now())]);
  print(io, ...rows.map(([name, value]) => `${bold(pad(`${name}:`, 8))} ${value}`));
  warnOfClocks(context, origins);
  for (const problem of problems) report(io, problem);
}

function warnOfClocks({ io }: Context, origins: readonly OriginDocument[]): void {
  const mark = paintFor(io.stderr)('warn', 'warning:');
  for (const origin of origins) {
    const clock = clockText(origin);
    const seen = relative(Date.parse(origin.lastSeenAt), io.now());
    if (clock !== undefined)
      note(
        io,
        `${mark} ${origin.name}: ${clock} when it wrote last, ${seen}. Set it: its rows carry its times.`,
      );
  }
}

async function teamOrigins(): Promise<OriginDocument[]> {
  const { teamRecord } = await import('../../../processes/supabase/team-record.ts');
  return teamRecord().origins();
}

export function addProjectStatus(supabase: Command, context: Context): void {
  const command = supabase
    .command('status')
    .description(
      'Ask the project of SUPABASE_URL whether it answers, which schema and how many rows it has, what the key may do, and what the daemon of this machine has still to write. Exits with 1 if something keeps lsh from reading or writing there.',
    )
    .addOption(formatOption('json', 'yaml'))
    .action((flags: { output?: Format }) => projectStatus(context, flags));
  withExamples(
    command,
    ['lsh supabase status', 'Show what is wrong, and how to fix it'],
    ['lsh supabase status -o json | jq .facts.rows.runs', 'Print the number of recorded runs'],
  );
}
