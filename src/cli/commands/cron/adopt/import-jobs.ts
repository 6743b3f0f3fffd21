// The work of `lsh cron import`: chooses the source.
import type { Context } from '../../../context.ts';
import { usage } from '../../../failure.ts';
import type { ImportFlags } from './import-answer.ts';
import { importCronJob, importDocuments } from './import-cronjob.ts';
import { importCrontabFile } from './import-crontab.ts';

/** Imports from the one source that the flags name. Throws USAGE for none or several. */
export async function importJobs(context: Context, flags: ImportFlags): Promise<void> {
  const { crontab, cronjob, filename, prefix } = flags;
  if ([crontab, cronjob, filename].filter((source) => source !== undefined).length !== 1) {
    throw usage('Say what to import: --crontab [FILE], --cronjob NAME, or -f FILE.');
  }
  if (prefix !== undefined && !/^[a-z0-9][a-z0-9-]{0,30}$/.test(prefix)) {
    throw usage(
      `--prefix needs up to 31 lower-case letters, digits and hyphens, not "${prefix}".`,
      'For example --prefix web1-',
    );
  }
  if (cronjob !== undefined) return importCronJob(context, cronjob, flags);
  if (filename !== undefined) return importDocuments(context, filename, flags);
  return importCrontabFile(context, flags);
}
