// `lsh runner`: the process that holds the shell runs of the operator’s pod.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';

export function addRunner(program: Command, context: Context): void {
  const command = program
    .command('runner')
    .description(
      'Hold the shell runs of an operator in a container of their own, without its token, until TERM or Ctrl-C.',
    )
    .action(async () => {
      const { runRunner } = await import('../../processes/runner.ts');
      context.status = await runRunner();
    });
  withExamples(command, [
    'LSH_RUNNER_SOCKET=/run/lsh/runner/runner.sock lsh runner',
    'Beside a controller that is given the same socket; an init such as tini reaps what commands leave',
  ]);
}
