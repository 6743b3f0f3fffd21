// `lsh cron promote`: copies a job of the local daemon to a cluster and prints a note for each difference.
import { Option, type Command } from 'commander';
import type { Executor } from '../../../../core/executor.ts';
import { connectTo } from '../../../cluster-api.ts';
import { targetFlags, type Context } from '../../../context.ts';
import { withExamples } from '../../../define.ts';
import { usage } from '../../../failure.ts';
import { localApi } from '../../../local-api.ts';
import { formatOption, type Format } from '../../../output/format-option.ts';
import { note, paintFor } from '../../../output/print.ts';
import { printPutAs } from '../../../output/put.ts';

interface PromoteFlags {
  image?: string;
  executor: 'job' | 'shell';
  dryRun?: true;
  output?: Format;
}

const EXECUTORS: Record<PromoteFlags['executor'], Executor> = { job: 'Job', shell: 'Shell' };

async function promoteJob(context: Context, name: string, flags: PromoteFlags): Promise<void> {
  const { io } = context;
  if (flags.executor === 'shell' && flags.image !== undefined) {
    throw usage('--image goes with --executor job; a shell run has no container of its own.');
  }
  const { manifestOf } = await import('../../../input/manifest.ts');
  const { promote } = await import('../../../../core/import/promote.ts');
  const { spec } = manifestOf(await localApi(io).get({ name }), 'local');
  const { job, notes } = promote(name, spec, { executor: EXECUTORS[flags.executor], image: flags.image });
  context.cluster ??= {};
  const { jobs } = await connectTo(context.cluster, io);
  const result = await jobs.put({ job, dryRun: flags.dryRun === true });
  const mark = paintFor(io.stderr)('warn', 'note:');
  for (const sentence of notes) note(io, `${mark} ${sentence}`);
  await printPutAs(io, result, flags);
  if (flags.dryRun) return;
  note(
    io,
    `The local job still stands. \`lsh cron pause ${name}\` pauses it; else each slot runs in both places.`,
  );
  note(io, `hint: Try it with \`lsh cron trigger ${name} --wait${targetFlags(context)}\`.`);
}

export function addPromote(cron: Command, context: Context): void {
  const command = cron
    .command('promote')
    .description('Copy a job of the local daemon to a cluster, and note each difference.')
    .argument('<name>', 'the local job')
    .option('--image <image>', 'image of the Kubernetes Jobs; default: the controller’s')
    .addOption(
      new Option(
        '--executor <job|shell>',
        'a Kubernetes Job (default), or a subprocess beside the controller',
      )
        .choices(Object.keys(EXECUTORS))
        .default('job'),
    )
    .option('--dry-run', 'only say what would change')
    .addOption(formatOption('json', 'yaml', 'name'))
    .action((name: string, flags: PromoteFlags) => promoteJob(context, name, flags));
  withExamples(
    command,
    ['lsh cron promote rotate-secrets --dry-run', 'Show the differences'],
    ['lsh cron promote rotate-secrets --image alpine:3.22 --namespace ops', 'Copy it to the cluster'],
  );
}
