// `lsh supabase status`: whether the team's project answers, and whether lsh may write there.
import type { Command } from 'commander';
import { formatDuration } from '../../../core/duration.ts';
import { EXIT, LshError } from '../../../core/errors.ts';
import type { ProjectStatus } from '../../../processes/supabase/project.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { report } from '../../failure.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { paintFor, print, printDocument } from '../../output/print.ts';
import { counted, pad } from '../../output/text.ts';
import { calendar, relative } from '../../output/when.ts';

/** Beyond this, the times of rows mislead their readers, milliseconds. */
const SKEW_MAX_MS = 60_000;
/** lsh_status() counts no further. */
const COUNT_MAX = 100_000;

function problemsOf({
  url,
  schema,
  newestSchema,
  isMember,
  facts,
  clockAheadMs = 0,
}: ProjectStatus): LshError[] {
  const versions = { found: schema, known: newestSchema };
  return [
    ...(schema < newestSchema ? [new LshError('SUPABASE_SCHEMA_OLD', versions)] : []),
    ...(schema > newestSchema ? [new LshError('SUPABASE_SCHEMA_TOO_NEW', versions)] : []),
    ...(facts?.writes === false && !isMember
      ? [new LshError('SUPABASE_KEY_READS_ONLY', { role: facts.role })]
      : []),
    ...(Math.abs(clockAheadMs) > SKEW_MAX_MS
      ? [
          new LshError('CLOCK_SKEWED', {
            url,
            by: formatDuration(Math.abs(clockAheadMs)),
            direction: clockAheadMs > 0 ? 'behind' : 'ahead of',
          }),
        ]
      : []),
  ];
}

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

async function projectStatus(context: Context, { output }: { output?: Format }): Promise<void> {
  const { io } = context;
  const { configuredStatus } = await import('../../../processes/supabase/project.ts');
  const status = await configuredStatus(io.now);
  const problems = problemsOf(status);
  if (problems.length > 0) context.status = EXIT.failure;
  if (isDocumentFormat(output)) {
    const shown = problems.map(({ code, message, hint }) => ({ code, message, hint }));
    return printDocument(io, { ...status, problems: shown }, output);
  }
  const bold = (text: string) => paintFor(io.stdout)('head', text);
  print(io, ...lines(status, io.now()).map(([name, value]) => `${bold(pad(`${name}:`, 8))} ${value}`));
  for (const problem of problems) report(io, problem);
}

export function addProjectStatus(supabase: Command, context: Context): void {
  const command = supabase
    .command('status')
    .description(
      'Ask the project of SUPABASE_URL whether it answers, which schema and how many rows it has, and what the key may do. Exits with 1 if lsh cannot write there.',
    )
    .addOption(formatOption('json', 'yaml'))
    .action((flags: { output?: Format }) => projectStatus(context, flags));
  withExamples(
    command,
    ['lsh supabase status', 'Show what is wrong, and how to fix it'],
    ['lsh supabase status -o json | jq .facts.rows.runs', 'Print the number of recorded runs'],
  );
}
