// The marks of an imported job: an import changes only jobs that carry its own mark.
import type { JobDocument } from '../document.ts';

/** Names the source of the job: `crontab:ada`, `/etc/cron.d/backup`, `CronJob/nightly`. */
export const IMPORTED_FROM_ANNOTATION = 'lsh.dev/imported-from';
/** The command as the crontab has it: a line is the same line as long as this is the same. */
export const IMPORTED_COMMAND_ANNOTATION = 'lsh.dev/imported-command';

/** The source that the job was imported from; undefined for any other job. */
export function originOf({ metadata }: Pick<JobDocument, 'metadata'>): string | undefined {
  return metadata.annotations?.[IMPORTED_FROM_ANNOTATION];
}
