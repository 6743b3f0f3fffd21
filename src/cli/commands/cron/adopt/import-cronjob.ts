// `lsh cron import --cronjob` and `-f`: imports CronJobs as LshJobs and prints a note for each difference.
import { LshError } from '../../../../core/errors.ts';
import { originOf } from '../../../../core/import/origin.ts';
import type { JobManifest } from '../../../../core/job.ts';
import { connectTo } from '../../../cluster-api.ts';
import type { Context } from '../../../context.ts';
import { usage } from '../../../failure.ts';
import type { SourceDocument } from '../../../input/documents.ts';
import type { ImportApi } from '../../../input/offline-jobs.ts';
import { note } from '../../../output/print.ts';
import { documentsOf, namespaceOf } from '../../apply.ts';
import { forEachTarget } from '../../each.ts';
import { importAnswer, isDocumentsOnly, type ImportAnswer, type ImportFlags } from './import-answer.ts';
import { importApi, offlineApi } from './import-api.ts';

/** Imports the CronJob of that name, which stays as it is. */
export async function importCronJob(context: Context, name: string, flags: ImportFlags): Promise<void> {
  const { io } = context;
  context.cluster ??= {};
  const { jobs, cronJob, namespace } = await connectTo(context.cluster, io);
  const answer = importAnswer(context, flags);
  await convertAndPut({ document: await cronJob(name), api: jobs, answer, flags });
  await answer.finish();
  if (flags.dryRun) return;
  note(
    io,
    `The CronJob still stands. Suspend it, or each slot runs twice: ${suspension({ name, namespace })}`,
  );
}

/** The fields that the note needs. */
interface CronJob {
  metadata?: { name?: string };
  spec?: { suspend?: boolean };
}

interface Standing {
  name: string;
  namespace: string | undefined;
}

/** The command that suspends a CronJob. */
function suspension({ name, namespace }: Standing): string {
  const where = namespace === undefined ? '' : ` --namespace ${namespace}`;
  return `kubectl patch cronjob ${name}${where} -p '{"spec":{"suspend":true}}'`;
}

/** Imports the CronJobs and LshJobs of documents; a document of another kind gets a note. */
export async function importDocuments(
  context: Context,
  filename: string[],
  flags: ImportFlags,
): Promise<void> {
  const { assertReadable, located } = await import('../../../input/located.ts');
  const documents = await documentsOf(context, filename);
  const answer = importAnswer(context, flags);
  const standing: Standing[] = [];
  await forEachTarget(context, documents, async (document) => {
    assertReadable(document);
    try {
      standing.push(...(await importDocument(context, document, { answer, flags })));
    } catch (error) {
      throw located(document, error);
    }
  });
  await answer.finish();
  if (flags.dryRun || standing.length === 0) return;
  note(context.io, 'CronJobs that stand in the cluster still run. Suspend them, or each slot runs twice:');
  for (const cronJob of standing) note(context.io, `  ${suspension(cronJob)}`);
}

/** Returns the CronJob of the document, if it is one that runs. */
async function importDocument(
  context: Context,
  source: SourceDocument,
  { answer, flags }: ImportOf,
): Promise<Standing[]> {
  const { isCronJob } = await import('../../../../kubernetes/objects/cron-job/cron-job.ts');
  const { value: document } = source;
  if (isCronJob(document)) return importFiledCronJob(context, source, { answer, flags });
  const { kind, metadata } = (document ?? {}) as { kind?: unknown; metadata?: { name?: unknown } };
  if (typeof kind === 'string' && kind !== 'LshJob') {
    const named = typeof metadata?.name === 'string' ? `${kind} "${metadata.name}"` : kind;
    answer.remark(source.where('kind'), `${named} is no CronJob and no LshJob, and was left out.`);
    return [];
  }
  const api = await importApi(context, flags, namespaceOf(context, source));
  const job = document as JobManifest;
  answer.add(job, await api.put({ job, dryRun: flags.dryRun === true }));
  return [];
}

async function importFiledCronJob(
  context: Context,
  source: SourceDocument,
  { answer, flags }: ImportOf,
): Promise<Standing[]> {
  if (context.cluster === undefined && !isDocumentsOnly(flags)) {
    throw usage(
      'A CronJob becomes an LshJob of a cluster.',
      'Add --cluster. `--dry-run -o yaml` shows the document without a cluster.',
    );
  }
  const namespace = namespaceOf(context, source);
  const api = isDocumentsOnly(flags)
    ? await offlineApi(context, 'cluster')
    : await importApi(context, flags, namespace);
  const document = source.value as CronJob;
  await convertAndPut({ document, api, answer, flags });
  const { metadata, spec } = document;
  if (spec?.suspend) return [];
  return [{ name: metadata?.name ?? '', namespace: namespace ?? context.cluster?.namespace }];
}

interface ImportOf {
  answer: ImportAnswer;
  flags: ImportFlags;
}

interface Conversion {
  document: unknown;
  api: ImportApi;
  answer: ImportAnswer;
  flags: ImportFlags;
}

async function convertAndPut({ document, api, answer, flags }: Conversion): Promise<void> {
  const { fromCronJob } = await import('../../../../kubernetes/objects/cron-job/cron-job.ts');
  const { job, notes, source } = fromCronJob(document, { prefix: flags.prefix ?? '' });
  await assertImported(api, job.metadata.name, source);
  for (const text of notes) answer.remark(job.metadata.name, text);
  answer.add(job, await api.put({ job, dryRun: flags.dryRun === true }));
}

/** Throws IMPORT_CONFLICT if the name belongs to a job that was not imported from this source. */
async function assertImported(api: ImportApi, name: string, source: string): Promise<void> {
  try {
    if (originOf(await api.get({ name })) !== source) throw new LshError('IMPORT_CONFLICT', { name, source });
  } catch (error) {
    if (!(error instanceof LshError) || error.code !== 'JOB_NOT_FOUND') throw error;
  }
}
