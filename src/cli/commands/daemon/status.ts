// `lsh daemon status`: whether the daemon runs, its jobs and its next run.
import type { Command } from 'commander';
import { formatDuration } from '../../../core/duration.ts';
import { EXIT } from '../../../core/errors.ts';
import { fromWire, type DaemonStatus } from '../../../local/socket/protocol.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { localApi } from '../../local-api.ts';
import { report } from '../../failure.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { paintFor, print, printDocument } from '../../output/print.ts';
import { counted, pad } from '../../output/text.ts';
import { clockStepText } from '../../output/clock-step.ts';
import { historyText } from '../../output/history-text.ts';
import { keptOutputText, mebibytes } from '../../output/kept-output.ts';
import { calendar, soon } from '../../output/when.ts';

function lines(status: DaemonStatus, now: number): [string, string][] {
  const { jobs, next, memory, output, history } = status;
  const exceptions = [
    ...(jobs.suspended > 0 ? [`${jobs.suspended} paused`] : []),
    ...(jobs.invalid > 0 ? [`${jobs.invalid} invalid`] : []),
  ];
  return [
    ['Daemon', `running, process ${status.pid}, lsh ${status.version}`],
    ['Since', `${calendar(Date.parse(status.startedAt))} (${formatDuration(status.uptimeSeconds * 1000)})`],
    ['Jobs', counted(jobs.total, 'job') + (exceptions.length > 0 ? ` (${exceptions.join(', ')})` : '')],
    ['Active', counted(status.activeRuns, 'run')],
    ['Health', healthLine(status, now)],
    ['Next', next ? `${next.job} ${soon(Date.parse(next.at), now)}` : 'nothing is due'],
    ['Zone', status.timeZone],
    ...status.clockSteps.slice(0, 3).map((step): [string, string] => ['Clock', clockStepText(step)]),
    ['Memory', mebibytes(memory.rssBytes)],
    ['Output', keptOutputText(output)],
    ...(history === undefined ? [] : [['History', historyText(history, now)] as [string, string]]),
    ['State', status.stateDir],
    ['Socket', status.socketPath],
    ['Log', status.logPath],
  ];
}

function healthLine({ health }: DaemonStatus, now: number): string {
  const { problems, lastEvaluationAt, overdueJobs, backlog } = health;
  return [
    problems.length === 0 ? 'ok' : counted(problems.length, 'problem'),
    lastEvaluationAt === undefined
      ? 'no evaluation yet'
      : `last evaluation ${formatDuration(Math.max(0, now - Date.parse(lastEvaluationAt)))} ago`,
    ...(overdueJobs > 0 ? [`${counted(overdueJobs, 'job')} overdue`] : []),
    ...(backlog > 0 ? [`${counted(backlog, 'job')} waiting`] : []),
  ].join(', ');
}

async function status(context: Context, { output }: { output?: Format }): Promise<void> {
  const { io } = context;
  const answer = await localApi(io).status({});
  if (answer.health.problems.length > 0) context.status = EXIT.failure;
  if (isDocumentFormat(output)) return printDocument(io, answer, output);
  const bold = (text: string) => paintFor(io.stdout)('head', text);
  print(io, ...lines(answer, io.now()).map(([key, value]) => `${bold(pad(`${key}:`, 8))} ${value}`));
  for (const problem of answer.health.problems) report(io, fromWire(problem));
}

export function addStatus(daemon: Command, context: Context): void {
  const command = daemon
    .command('status')
    .description(
      'Show whether the daemon runs, its jobs and its next run. Exits with 3 if it does not run, and with 1 if it runs but cannot do its work.',
    )
    .addOption(formatOption('json', 'yaml'))
    .action((flags: { output?: Format }) => status(context, flags));
  withExamples(
    command,
    ['lsh daemon status', 'Show process, jobs, next run and paths'],
    ['lsh daemon status -o json | jq .activeRuns', 'Print one field for a script'],
  );
}
