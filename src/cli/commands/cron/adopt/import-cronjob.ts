// Imports CronJobs as LshJobs and prints a note for each difference.
import { usage } from '../../../failure.ts';
import { connectTo } from '../../../cluster-api.ts';
import type { Context } from '../../../context.ts';
import { note, paintFor } from '../../../output/print.ts';
import { printPutLine } from '../../../output/put.ts';

/** Imports the CronJob of that name, which stays as it is. */
export async function importCronJob(context: Context, name: string, dryRun: boolean): Promise<void> {
  const { io } = context;
  context.cluster ??= {};
  const { jobs, cronJob, namespace } = await connectTo(context.cluster, io);
  const { fromCronJob } = await import('../../../../kubernetes/objects/cron-job/cron-job.ts');
  const { job, notes } = fromCronJob(await cronJob(name));
  const result = await jobs.put({ job, dryRun });
  printNotes(context, name, notes);
  printPutLine(io, result, `  ${job.spec.schedule}${dryRun ? ' (dry run)' : ''}`);
  if (dryRun) return;
  const suspend = `kubectl patch cronjob ${name} --namespace ${namespace} -p '{"spec":{"suspend":true}}'`;
  note(io, `The CronJob still stands. Suspend it, or each slot runs twice: ${suspend}`);
}

/** Converts a CronJob into an LshJob; returns any other document as it is. */
export async function convertCronJob(context: Context, document: unknown): Promise<unknown> {
  const { fromCronJob, isCronJob } = await import('../../../../kubernetes/objects/cron-job/cron-job.ts');
  if (!isCronJob(document)) return document;
  if (context.cluster === undefined) {
    throw usage('A CronJob becomes an LshJob of a cluster.', 'Add --cluster.');
  }
  const { job, notes } = fromCronJob(document);
  printNotes(context, job.metadata.name, notes);
  return job;
}

function printNotes({ io }: Context, name: string, notes: readonly string[]): void {
  const mark = paintFor(io.stderr)('warn', 'note:');
  for (const sentence of notes) note(io, `${name}: ${mark} ${sentence}`);
}
