// CronJobs of Kubernetes on their way into LshJobs, with everything that changes said aloud.
import { usage } from '../../../failure.ts';
import { connectTo } from '../../../cluster-api.ts';
import type { Context } from '../../../context.ts';
import { note, paintFor } from '../../../output/print.ts';
import { printPutLine } from '../../../output/put.ts';

/** Takes over the CronJob of that name; it stands beside the new job as it did. */
export async function importCronJob(context: Context, name: string, dryRun: boolean): Promise<void> {
  const { io } = context;
  context.cluster ??= {};
  const { jobs, cronJob, namespace } = await connectTo(context.cluster, io);
  const { fromCronJob } = await import('../../../../kubernetes/objects/cron-job/cron-job.ts');
  const { job, notes } = fromCronJob(await cronJob(name));
  const result = await jobs.put({ job, dryRun });
  say(context, name, notes);
  printPutLine(io, result, `  ${job.spec.schedule}${dryRun ? ' (dry run)' : ''}`);
  if (dryRun) return;
  const suspend = `kubectl patch cronjob ${name} --namespace ${namespace} -p '{"spec":{"suspend":true}}'`;
  note(io, `The CronJob still stands. Suspend it, or each slot runs twice: ${suspend}`);
}

/** The document, as an LshJob where it is a CronJob. */
export async function convertCronJob(context: Context, document: unknown): Promise<unknown> {
  const { fromCronJob, isCronJob } = await import('../../../../kubernetes/objects/cron-job/cron-job.ts');
  if (!isCronJob(document)) return document;
  if (context.cluster === undefined) {
    throw usage('A CronJob becomes an LshJob of a cluster.', 'Add --cluster.');
  }
  const { job, notes } = fromCronJob(document);
  say(context, job.metadata.name, notes);
  return job;
}

function say({ io }: Context, name: string, notes: readonly string[]): void {
  const mark = paintFor(io.stderr)('warn', 'note:');
  for (const sentence of notes) note(io, `${name}: ${mark} ${sentence}`);
}
