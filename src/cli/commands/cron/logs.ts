// `lsh cron logs`: the output of a run as it was written, byte for byte.
import { once } from 'node:events';
import type { Command } from 'commander';
import type { JobApi, LogQuery } from '../../../contracts/job-api.ts';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';

type Query = Pick<LogQuery, 'name' | 'run'>;

/** The only word may name a job or a run; none means the newest run there is. */
async function runOf(api: JobApi, name?: string, run?: string): Promise<Query> {
  if (name !== undefined && run !== undefined) return { name, run };
  const [newest] = await api.runs({ ...(name !== undefined && { name }), limit: 1 });
  if (newest) return { name: newest.job, run: newest.name };
  if (name === undefined) {
    const hint = 'Start one with `lsh cron trigger NAME`.';
    throw new LshError('RUN_NOT_FOUND', { name: 'any' }, { hint });
  }
  return (await aRunByThatName(api, name)) ?? { name };
}

async function aRunByThatName(api: JobApi, name: string): Promise<Query | undefined> {
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
    .description('Print the output of a run: the newest of a job, or the one that is named.')
    .argument('[name]', 'the job, or a run; default: the newest run of all')
    .argument('[run]', 'a run of the job, as `history` names it')
    .option('-f, --follow', 'go on until the run has ended')
    .action((name: string | undefined, run: string | undefined, flags: { follow?: true }) =>
      logs(context, [name, run], flags.follow === true),
    );
  withExamples(
    command,
    ['lsh cron logs rotate-secrets', 'What the newest run of a job wrote'],
    ['lsh cron logs -f rotate-secrets', 'The same, live'],
  );
}
