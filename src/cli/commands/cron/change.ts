// `lsh cron pause|resume|remove`: one API call for each name.
import type { Command } from 'commander';
import { rfc3339 } from '../../../core/rfc3339.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { counted } from '../../output/text.ts';
import { print } from '../../output/print.ts';
import { printPut, printWarnings } from '../../output/put.ts';
import { forEachTarget } from '../each.ts';

interface Suspension {
  suspend: boolean;
  resumeAt?: string;
}

async function setSuspended(context: Context, names: string[], suspension: Suspension): Promise<void> {
  const api = await context.api();
  await forEachTarget(context, names, async (name) => {
    const result = await api.suspend({ name, ...suspension });
    const verb = suspension.suspend ? 'paused' : 'resumed';
    await printPut(
      context.io,
      { ...result, changes: [] },
      result.result === 'unchanged' ? `already ${verb}` : verb,
    );
  });
}

/** Throws USAGE for an instant that has passed. */
async function resumeAtOf({ io }: Context, until: string | undefined): Promise<{ resumeAt?: string }> {
  if (until === undefined) return {};
  const { readInstant } = await import('../../input/instant.ts');
  const at = readInstant(until, { flag: '--until', now: io.now(), towards: 'future' });
  if (at <= io.now())
    throw usage(
      `--until must be later than now, not "${until}".`,
      'Give an instant such as "in 2h" or tomorrow.',
    );
  return { resumeAt: rfc3339(at) };
}

export function addPause(cron: Command, context: Context): void {
  const command = cron
    .command('pause')
    .description('Pause jobs: lsh records their slots as Suspended, without a run. An active run continues.')
    .argument('<name...>', 'jobs to pause')
    .option(
      '--until <instant>',
      'resume the jobs at this instant, in the zone of this machine: 2027-01-01, "2027-01-01 14:00", tomorrow, "in 2h"',
    )
    .action(async (names: string[], flags: { until?: string }) =>
      setSuspended(context, names, { suspend: true, ...(await resumeAtOf(context, flags.until)) }),
    );
  withExamples(
    command,
    ['lsh cron pause rotate-secrets', 'Run the job no more until `lsh cron resume`'],
    ['lsh cron pause backup --until "tomorrow"', 'Pause the job for the rest of the day'],
  );
}

export function addResume(cron: Command, context: Context): void {
  const command = cron
    .command('resume')
    .description('Resume paused jobs with their next slot.')
    .argument('<name...>', 'jobs to resume')
    .action((names: string[]) => setSuspended(context, names, { suspend: false }));
  withExamples(command, [
    'lsh cron resume rotate-secrets',
    'Run the job again; the slots of the pause stay without a run',
  ]);
}

/** Removes one job and names the runs that this stops. */
export async function removeJob({ io, api }: Context, name: string, namespace?: string): Promise<void> {
  const { stopped, warnings } = await (await api(namespace)).remove({ name });
  printWarnings(io, warnings);
  const runs =
    stopped.length === 0 ? '' : ` (stopped ${counted(stopped.length, 'run')}: ${stopped.join(', ')})`;
  print(io, `job "${name}" removed${runs}`);
}

export function addRemove(cron: Command, context: Context): void {
  const command = cron
    .command('remove')
    .alias('rm')
    .description('Stop the active runs of jobs and remove the jobs. Their history stays.')
    .argument('<name...>', 'jobs to remove')
    .action((names: string[]) => forEachTarget(context, names, (name) => removeJob(context, name)));
  withExamples(
    command,
    ['lsh cron remove rotate-secrets', 'Remove one job'],
    [
      'lsh cron list --tag old -o name | xargs -r lsh cron remove',
      'Remove all jobs with a tag, if there are any',
    ],
  );
}
