// `lsh cron import`: jobs from a crontab, from a CronJob or from documents. The source is never changed.
import type { Command } from 'commander';
import type { Context } from '../../../context.ts';
import { repeatable, withExamples } from '../../../define.ts';
import { formatOption } from '../../../output/format-option.ts';
import type { ImportFlags } from './import-answer.ts';

export function addImport(cron: Command, context: Context): void {
  const command = cron
    .command('import')
    .description(
      'Import jobs from a crontab, a CronJob or documents. A note names each line that changes its meaning; a job that did not come from the same source is never changed.',
    )
    .option('--crontab [file]', 'a crontab, - for stdin; default: your own (`crontab -l`)')
    .option('--system', 'the crontab has a user column; recognised for /etc/crontab and /etc/cron.d')
    .option('--no-system', 'the crontab has no user column')
    .option('--cronjob <name>', 'a CronJob of the cluster, into an LshJob beside it; implies --cluster')
    .option(
      '-f, --filename <path>',
      'documents with CronJobs or LshJobs: file, directory, or - for stdin (repeatable)',
      repeatable,
    )
    .option('--prefix <text>', 'begins the name of each new job, such as web1-')
    .option('--dry-run', 'only say what would change; needs no daemon')
    .addOption(formatOption('yaml', 'json', 'name'))
    .action(async (flags: ImportFlags) => {
      const { importJobs } = await import('./import-jobs.ts');
      await importJobs(context, flags);
    });
  withExamples(
    command,
    ['lsh cron import --crontab --dry-run', 'What your crontab would become'],
    ['lsh cron import --crontab /etc/cron.d/backup', 'A file with a user column'],
    ['lsh cron import --cronjob report --namespace ops --dry-run', 'What a CronJob would become'],
    [
      'kubectl get cronjobs --namespace ops -o yaml | lsh cron import --cluster --namespace ops -f - --dry-run',
      'What all CronJobs of a namespace would become',
    ],
    ['lsh cron import -f cronjobs.yaml --dry-run -o yaml', 'The documents, without a cluster'],
    ['ssh web1 crontab -l | lsh cron import --crontab - --prefix web1-', 'The crontab of another machine'],
  );
}
