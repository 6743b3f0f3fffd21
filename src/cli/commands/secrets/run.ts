// `lsh secrets run`: runs a command with the variables of an environment.
import type { Command } from 'commander';
import { EXIT } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { withEnvironment, type EnvironmentFlags } from './options.ts';

interface RunFlags extends EnvironmentFlags {
  redact?: true;
}

async function run(context: Context, words: [string, ...string[]], flags: RunFlags): Promise<void> {
  context.failureStatus = EXIT.ownFailure;
  const { runWithSecrets } = await import('../../../processes/secrets/run-command.ts');
  context.status = await runWithSecrets({
    environment: flags.env,
    directory: process.cwd(),
    words,
    redact: flags.redact === true,
  });
}

export function addRun(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('run'))
    .description(
      'Run a command with the variables of the newest version of an environment, in place of those of the same name. Its exit status is that of the command; 125 if lsh could not start it.',
    )
    .argument('<program...>', 'after --: the program and its arguments')
    .option('--redact', 'mask the values in the output of the command, which then has no terminal')
    .action((words: [string, ...string[]], flags: RunFlags) => run(context, words, flags));
  withExamples(
    command,
    ['lsh secrets run --env prod -- npm start', 'Start a program with the secrets of prod'],
    ['lsh secrets run --redact -- printenv', 'Show which variables there are, without their values'],
  );
}
