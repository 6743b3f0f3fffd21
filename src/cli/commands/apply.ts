// `lsh apply -f` and `lsh delete -f`: jobs from documents. Each prints one line per job.
import type { Command } from 'commander';
import type { JobManifest } from '../../core/job.ts';
import type { PutResult } from '../../contracts/job-api.ts';
import { LshError } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import { withClusterOptions } from '../cluster-options.ts';
import { repeatable, withExamples } from '../define.ts';
import { usage } from '../failure.ts';
import type { SourceDocument } from '../input/documents.ts';
import { formatOption, isDocumentFormat, type Format } from '../output/format-option.ts';
import { print, printDocument } from '../output/print.ts';
import { printPutLine } from '../output/put.ts';
import { removeJob } from './cron/change.ts';
import { forEachTarget } from './each.ts';

interface ApplyFlags {
  filename: string[];
  dryRun?: true;
  output?: Format;
}

/** The documents of all files. Throws USAGE if there are none. */
export async function documentsOf(context: Context, files: string[]): Promise<SourceDocument[]> {
  const { readDocuments } = await import('../input/documents.ts');
  const documents: SourceDocument[] = [];
  for (const file of files) documents.push(...(await readDocuments(context.io, file)));
  if (documents.length === 0) {
    const names = files.map((file) => (file === '-' ? 'stdin' : file));
    throw usage(`No document was found in ${names.join(', ')}.`);
  }
  return documents;
}

/** Puts each document. A document that fails does not stop the others. */
async function applyFiles(context: Context, { filename, dryRun, output }: ApplyFlags): Promise<void> {
  const { assertReadable, located } = await import('../input/located.ts');
  const documents = await documentsOf(context, filename);
  const results: PutResult[] = [];
  await forEachTarget(context, documents, async (document) => {
    assertReadable(document);
    const api = await context.api(namespaceOf(context, document));
    try {
      const job = document.value as JobManifest;
      results.push(await api.put({ job, dryRun: dryRun === true }));
    } catch (error) {
      throw located(document, error);
    }
    if (output === undefined) printPutLine(context.io, results.at(-1)!, dryRun ? ' (dry run)' : '');
  });
  if (isDocumentFormat(output)) return printDocument(context.io, results, output);
  if (output === 'name') print(context.io, ...results.map(({ job }) => job.metadata.name));
}

/**
 * The namespace that the document names. Throws JOB_INVALID if --namespace names another. Validation checks its
 * syntax later.
 */
export function namespaceOf({ cluster }: Context, document: SourceDocument): string | undefined {
  const { metadata } = (document.value ?? {}) as { metadata?: { namespace?: unknown } };
  const namespace = metadata?.namespace;
  if (typeof namespace !== 'string' || namespace === '') return undefined;
  if (cluster?.namespace !== undefined && cluster.namespace !== namespace) {
    const message = `is "${namespace}", but --namespace says "${cluster.namespace}"`;
    const problems = [{ path: `${document.where('metadata.namespace')}: metadata.namespace`, message }];
    throw new LshError('JOB_INVALID', { detail: `metadata.namespace ${message}.` }, { problems });
  }
  return namespace;
}

function nameOf(document: SourceDocument): string {
  const { metadata } = (document.value ?? {}) as { metadata?: { name?: unknown } };
  if (typeof metadata?.name === 'string' && metadata.name !== '') return metadata.name;
  const problems = [{ path: document.where('metadata'), message: 'metadata.name is required' }];
  throw new LshError('JOB_INVALID', { detail: 'metadata.name is required' }, { problems });
}

async function deleteFiles(context: Context, filename: string[], ignoreNotFound: boolean): Promise<void> {
  const { assertReadable } = await import('../input/located.ts');
  const documents = await documentsOf(context, filename);
  await forEachTarget(context, documents, async (document) => {
    assertReadable(document);
    try {
      await removeJob(context, nameOf(document), namespaceOf(context, document));
    } catch (error) {
      if (!ignoreNotFound || !(error instanceof LshError) || error.code !== 'JOB_NOT_FOUND') throw error;
    }
  });
}

export function addApply(program: Command, context: Context): void {
  const command = withClusterOptions(program.command('apply'), context)
    .description(
      'Create or change jobs from documents. A document that fails does not stop the others; the exit status is 0 only if all succeed.',
    )
    .requiredOption('-f, --filename <path>', 'file, directory, or - for stdin (repeatable)', repeatable)
    .option('--dry-run', 'only say what would change')
    .addOption(formatOption('json', 'yaml', 'name'))
    .action((flags: ApplyFlags) => applyFiles(context, flags));
  withExamples(
    command,
    ['lsh apply -f lshjob.yaml', 'Apply a file that `kubectl apply -f` reads, too'],
    ['lsh apply -f jobs/ --dry-run', 'Show what a directory of documents would change'],
    ['lsh cron export | lsh apply -f -', 'Apply documents from a pipe'],
    ['lsh apply -f lshjob.yaml --cluster --namespace ops', 'Apply the file to a cluster'],
  );
}

export function addDelete(program: Command, context: Context): void {
  const command = withClusterOptions(program.command('delete'), context)
    .description('Remove the jobs that the documents name. Their history stays.')
    .requiredOption('-f, --filename <path>', 'file, directory, or - for stdin (repeatable)', repeatable)
    .option('--ignore-not-found', 'do not fail for a job that does not exist')
    .action((flags: { filename: string[]; ignoreNotFound?: true }) =>
      deleteFiles(context, flags.filename, flags.ignoreNotFound === true),
    );
  withExamples(command, [
    'lsh delete -f lshjob.yaml',
    'Remove the jobs that `lsh apply -f lshjob.yaml` created',
  ]);
}
