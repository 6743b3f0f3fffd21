// `lsh runner`: the process that executes the shell runs of the operator’s pod.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { withExamples } from '../define.ts';

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
}
