// `lsh cron pause|resume|remove`: one call for each name that is given.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { counted } from '../../output/text.ts';
import { print } from '../../output/print.ts';
import { printPut } from '../../output/put.ts';
import { forEachTarget } from '../each.ts';

async function suspend(context: Context, names: string[], wanted: boolean): Promise<void> {
  const api = await context.api();
  await forEachTarget(context, names, async (name) => {
    const result = await api.suspend({ name, suspend: wanted });
    const verb = wanted ? 'paused' : 'resumed';
    await printPut(
      context.io,
      { ...result, changes: [] },
      result.result === 'unchanged' ? `already ${verb}` : verb,
    );
  });
}

export function addPause(cron: Command, context: Context): void {
  const command = cron
    .command('pause')
    .description('Let slots pass without a run; each is recorded as Suspended. An active run goes on.')
    .argument('<name...>', 'jobs to pause')
    .action((names: string[]) => suspend(context, names, true));
  withExamples(command, ['lsh cron pause rotate-secrets', 'No run of this job until it is resumed']);
}

export function addResume(cron: Command, context: Context): void {
  const command = cron
    .command('resume')
    .description('Run a paused job again from its next slot on.')
    .argument('<name...>', 'jobs to resume')
    .action((names: string[]) => suspend(context, names, false));
  withExamples(command, [
    'lsh cron resume rotate-secrets',
    'The slots that passed meanwhile are not made up for',
  ]);
}

/** Removes one job and says what was stopped with it. */
export async function removeJob({ io, api }: Context, name: string, namespace?: string): Promise<void> {
  const { stopped } = await (await api(namespace)).remove({ name });
  const runs =
    stopped.length === 0 ? '' : ` (stopped ${counted(stopped.length, 'run')}: ${stopped.join(', ')})`;
  print(io, `job "${name}" removed${runs}`);
}

export function addRemove(cron: Command, context: Context): void {
  const command = cron
    .command('remove')
    .alias('rm')
    .description('Stop what is active and forget the job. Its history stays.')
    .argument('<name...>', 'jobs to remove')
    .action((names: string[]) => forEachTarget(context, names, (name) => removeJob(context, name)));
  withExamples(
    command,
    ['lsh cron remove rotate-secrets', 'Remove one job'],
    ['lsh cron list --tag old -o name | xargs lsh cron remove', 'Remove all jobs with a tag'],
  );
}
