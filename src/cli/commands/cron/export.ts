// `lsh cron export`: jobs as documents that `lsh apply -f` and `kubectl apply -f` read.
import type { Command } from 'commander';
import { platformOf, type Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption } from '../../output/format-option.ts';
import { printDocument, printYaml } from '../../output/print.ts';

async function exportJobs(context: Context, names: string[], format: 'json' | 'yaml'): Promise<void> {
  const { io, api } = context;
  const { manifestOf } = await import('../../input/manifest.ts');
  const jobs = await api();
  const found =
    names.length === 0 ? await jobs.list({}) : await Promise.all(names.map((name) => jobs.get({ name })));
  const manifests = found.map((job) => manifestOf(job, platformOf(context)));
  if (format === 'yaml') return printYaml(io, manifests);
  return printDocument(io, names.length === 1 ? manifests[0] : manifests, 'json');
}

export function addExport(cron: Command, context: Context): void {
  const command = cron
    .command('export')
    .description('Print jobs as documents that give the same jobs with `lsh apply -f`.')
    .argument('[name...]', 'jobs; default: all')
    .addOption(formatOption('yaml', 'json').default('yaml'))
    .action((names: string[], { output }: { output: 'json' | 'yaml' }) => exportJobs(context, names, output));
  withExamples(
    command,
    ['lsh cron export > jobs.yaml', 'Write all jobs to one file'],
    ['lsh cron export --cluster | kubectl diff -f -', 'Compare exported jobs with the cluster'],
    ['lsh cron export rotate-secrets | ssh laptop lsh apply -f -', 'Copy one job to another machine'],
  );
}
