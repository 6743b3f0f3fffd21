// `lsh runner`: the process that executes the shell runs of the operator’s pod, and the output of these runs.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';
import { usage } from '../failure.ts';
import { note, printParts } from '../output/print.ts';

interface RunnerLogsFlags {
  follow?: boolean;
  untilEof?: boolean;
}

export function addRunner(program: Command, context: Context): void {
  const command = program
    .command('runner')
    .description('Execute the shell runs of an operator in a separate container, which has no API token.')
    .action(async () => {
      const { runRunner } = await import('../../processes/runner.ts');
      context.status = await runRunner();
    });
  withExamples(command, [
    'LSH_RUNNER_SOCKET=/run/lsh/runner/runner.sock lsh runner',
    'Serve a controller with the same socket; run it under an init such as tini, which reaps orphans',
  ]);
  addRunnerLogs(command, context);
}

function addRunnerLogs(runner: Command, context: Context): void {
  const command = runner
    .command('logs')
    .description('Print the whole output of a shell run, from its container: the LshJob keeps only the end.')
    .argument('<run>', 'namespace and name of the run, such as ops/backup-t86pdo')
    .option('-f, --follow', 'keep printing until the run ends')
    .option('--until-eof', 'stop when standard input ends, such as with the connection of `kubectl exec -i`')
    .action((run: string, flags: RunnerLogsFlags) => runnerLogs(context, run, flags));
  withExamples(command, [
    'kubectl exec lsh-controller-7d9f-x2b4p --namespace lsh-system -c shell -- lsh runner logs -f ops/backup-t86pdo',
    'Follow a shell run of the cluster, as `lsh cron logs -f --cluster` does itself',
  ]);
}

async function runnerLogs(
  { io }: Context,
  run: string,
  { follow = false, untilEof = false }: RunnerLogsFlags,
): Promise<void> {
  if (!/^[a-z0-9-]+\/[a-z0-9][a-z0-9.-]*$/.test(run))
    throw usage('Name the run as NAMESPACE/RUN.', 'For example ops/backup-t86pdo');
  const { runnerLog } = await import('../../processes/runner.ts');
  const signal = untilEof ? atEnd(io.stdin) : undefined;
  if ((await printParts(io, runnerLog(run, { follow, signal }))) === 0) note(io, `No output of ${run}.`);
}

/** Aborts when the stream has ended or broken. */
function atEnd(stream: NodeJS.ReadableStream): AbortSignal {
  const ended = new AbortController();
  for (const event of ['end', 'error', 'close']) stream.once(event, () => ended.abort());
  stream.resume();
  return ended.signal;
}
