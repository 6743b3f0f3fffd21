// `lsh cron import`: jobs from a crontab, from a CronJob or from documents. The source is never changed.
import { execFile } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { loadConfig } from '../../../../config.ts';
import { LshError } from '../../../../core/errors.ts';
import type { Context } from '../../../context.ts';
import { repeatable, withExamples } from '../../../define.ts';
import { usage } from '../../../failure.ts';
import { note, paintFor } from '../../../output/print.ts';
import { printPutLine } from '../../../output/put.ts';
import { applyFiles } from '../../apply.ts';
import { convertCronJob, importCronJob } from './import-cronjob.ts';
import { forEachTarget } from '../../each.ts';

interface ImportFlags {
  /** True where no file is named. */
  crontab?: string | true;
  system?: true;
  cronjob?: string;
  filename?: string[];
  dryRun?: true;
}

const SYSTEM_CRONTAB = '/etc/crontab';
const NO_CRONTAB = /^no crontab for/m;

/** Reads the crontab; `source` names it in notes. */
async function readCrontab(
  { io }: Context,
  flags: ImportFlags,
): Promise<{ content: string; source: string }> {
  const file = flags.crontab === true ? (flags.system ? SYSTEM_CRONTAB : undefined) : flags.crontab;
  if (file === undefined) return { content: await ownCrontab(), source: 'crontab' };
  if (file === '-') return { content: await text(io.stdin as AsyncIterable<Buffer>), source: '<stdin>' };
  const { contentOf } = await import('../../../input/documents.ts');
  return { content: await contentOf(file), source: file };
}

async function ownCrontab(): Promise<string> {
  try {
    return (await promisify(execFile)('crontab', ['-l'])).stdout;
  } catch (error) {
    const { code, stderr = '', message } = error as Error & { code?: string | number; stderr?: string };
    if (NO_CRONTAB.test(stderr)) return '';
    const detail = code === 'ENOENT' ? 'there is no program "crontab" here' : stderr.trim() || message;
    const hint = 'Name a file with `lsh cron import --crontab FILE`.';
    throw new LshError('FILE_UNREADABLE', { path: 'of `crontab -l`', detail }, { cause: error, hint });
  }
}

async function importCrontab(context: Context, flags: ImportFlags): Promise<void> {
  const { parseCrontab } = await import('../../../../core/import/crontab.ts');
  const { content, source } = await readCrontab(context, flags);
  const { user, logname } = loadConfig();
  const { jobs, notes } = parseCrontab(content, { system: flags.system === true, user: user ?? logname });
  const paint = paintFor(context.io.stderr);
  for (const { line, text } of notes)
    note(context.io, `${source}:${line}: ${paint('warn', 'note:')} ${text}`);
  if (jobs.length === 0) return note(context.io, `${source} holds no job.`);
  const api = await context.api();
  await forEachTarget(context, jobs, async (job) => {
    const result = await api.put({ job, dryRun: flags.dryRun === true });
    printPutLine(context.io, result, `  ${job.spec.schedule}${flags.dryRun ? ' (dry run)' : ''}`);
  });
  if (!flags.dryRun)
    note(context.io, 'The crontab still stands. Take these jobs out of it, or each runs twice.');
}

async function importJobs(context: Context, flags: ImportFlags): Promise<void> {
  const { crontab, cronjob, filename, dryRun } = flags;
  if ([crontab, cronjob, filename].filter((source) => source !== undefined).length !== 1) {
    throw usage('Say what to import: --crontab [FILE], --cronjob NAME, or -f FILE.');
  }
  if (cronjob !== undefined) return importCronJob(context, cronjob, dryRun === true);
  if (filename === undefined) return importCrontab(context, flags);
  const convert = (document: unknown) => convertCronJob(context, document);
  return applyFiles(context, { filename, ...(dryRun && { dryRun }) }, convert);
}

export function addImport(cron: Command, context: Context): void {
  const command = cron
    .command('import')
    .description(
      'Import jobs from a crontab, a CronJob or documents. A note names each line that changes its meaning.',
    )
    .option('--crontab [file]', 'a crontab, - for stdin; default: your own (`crontab -l`)')
    .option('--system', 'the crontab has a user column, as /etc/crontab and /etc/cron.d do')
    .option('--cronjob <name>', 'a CronJob of the cluster, into an LshJob beside it; implies --cluster')
    .option(
      '-f, --filename <path>',
      'documents, CronJobs among them: file, directory, or - for stdin (repeatable)',
      repeatable,
    )
    .option('--dry-run', 'only say what would change')
    .action((flags: ImportFlags) => importJobs(context, flags));
  withExamples(
    command,
    ['lsh cron import --crontab --dry-run', 'What your crontab would become'],
    ['lsh cron import --system --crontab /etc/cron.d/backup', 'A file with a user column'],
    ['lsh cron import --cronjob report --namespace ops --dry-run', 'What a CronJob would become'],
    ['ssh host crontab -l | lsh cron import --crontab -', 'The crontab of another machine'],
  );
}
