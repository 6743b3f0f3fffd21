// `lsh cron logs`: the output of a run, byte for byte.
import { once } from 'node:events';
import type { Command } from 'commander';
import type { JobApi, LogQuery } from '../../../contracts/job-api.ts';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';

type Query = Pick<LogQuery, 'name' | 'run'>;

/** A single word names a job or a run. Without a word, the newest run of all jobs is meant. */
async function runOf(api: JobApi, name?: string, run?: string): Promise<Query> {
  if (name !== undefined && run !== undefined) return { name, run };
  const [newest] = await api.runs({ ...(name !== undefined && { name }), limit: 1 });
  if (newest) return { name: newest.job, run: newest.name };
  if (name === undefined) {
    const hint = 'Start one with `lsh cron trigger NAME`.';
    throw new LshError('RUN_NOT_FOUND', { name: 'any' }, { hint });
  }
  return (await runNamed(api, name)) ?? { name };
}

async function runNamed(api: JobApi, name: string): Promise<Query | undefined> {
  try {
    const { job } = await api.run({ run: name });
    return { name: job, run: name };
  } catch (error) {
    if (error instanceof LshError && error.code === 'RUN_NOT_FOUND') return undefined;
    throw error;
  }
}

async function logs({ io, api }: Context, words: (string | undefined)[], follow: boolean): Promise<void> {
  const jobs = await api();
  const query = await runOf(jobs, ...words);
  for await (const chunk of jobs.log({ ...query, follow })) {
    if (!io.stdout.write(chunk)) await once(io.stdout, 'drain');
  }
}

export function addLogs(cron: Command, context: Context): void {
  const command = cron
    .command('logs')
    .description('Print the output of the newest run of a job, or of a named run.')
    .argument('[name]', 'a job or a run; default: the newest run of all jobs')
    .argument('[run]', 'a run of the job, as `lsh cron history` names it')
    .option('-f, --follow', 'keep printing until the run ends')
    .action((name: string | undefined, run: string | undefined, flags: { follow?: true }) =>
      logs(context, [name, run], flags.follow === true),
    );
  withExamples(
    command,
    ['lsh cron logs rotate-secrets', 'Print the output of the newest run of a job'],
    ['lsh cron logs -f rotate-secrets', 'Follow the output live'],
  );
}
