// `lsh cron import --crontab`: reads the crontab, names its jobs and puts them.
import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { promisify } from 'node:util';
import { loadConfig } from '../../../../config.ts';
import type { ImportedJob, KnownJob } from '../../../../core/import/crontab/assign-names.ts';
import { EXIT, LshError } from '../../../../core/errors.ts';
import { platformOf, targetFlags, type Context } from '../../../context.ts';
import { combinedStatus } from '../../../failure.ts';
import type { ImportApi } from '../../../input/offline-jobs.ts';
import { note, print } from '../../../output/print.ts';
import { forEachTarget } from '../../each.ts';
import { importAnswer, type ImportAnswer, type ImportFlags } from './import-answer.ts';
import { importApi } from './import-api.ts';

interface CrontabFile {
  content: Uint8Array;
  /** Names the crontab in notes. */
  label: string;
  /** Identifies the crontab across imports. */
  source: string;
  /** Absolute path of a file. */
  path?: string;
  /** Other crontabs may come the same way. */
  sharedSource?: boolean;
}

const SYSTEM_CRONTAB = '/etc/crontab';
const NO_CRONTAB = /^no crontab for/m;

/** Imports each job of the crontab. The exit status is not 0 if a line was left out. */
export async function importCrontabFile(context: Context, flags: ImportFlags): Promise<void> {
  const { importCrontab } = await import('../../../../core/import/crontab.ts');
  const { label, source, content, path, sharedSource = false } = await readCrontab(context, flags);
  const api = await importApi(context, flags);
  const imported = importCrontab(content, {
    // The crontabs of many hosts meet in a cluster.
    source: platformOf(context) === 'cluster' ? `${source}@${hostname()}` : source,
    sharedSource,
    path,
    known: await knownJobs(context, api),
    prefix: flags.prefix ?? '',
    system: flags.system,
    user: userName(),
    accounts: await accounts(),
    platform: platformOf(context),
  });
  const answer = importAnswer(context, flags);
  for (const { line, text } of imported.notes)
    answer.remark(line === undefined ? label : `${label}:${line}`, text);
  await putJobs(context, imported.jobs, { api, answer, label, flags });
  for (const name of imported.orphans) answerOrphan(context, name, { answer, label, flags });
  await answer.finish();
  if (imported.leftOut > 0) context.status = combinedStatus([context.status, EXIT.usage]);
}

interface Answering {
  answer: ImportAnswer;
  /** Names the crontab. */
  label: string;
  flags: ImportFlags;
}

async function putJobs(
  context: Context,
  jobs: readonly ImportedJob[],
  { api, answer, label, flags }: Answering & { api: ImportApi },
): Promise<void> {
  if (jobs.length === 0) return note(context.io, `${label} holds no job.`);
  await forEachTarget(context, jobs, async ({ line, job }) => {
    try {
      answer.add(job, await api.put({ job, dryRun: flags.dryRun === true }));
    } catch (error) {
      throw atLine(error, `${label}:${line}: job "${job.metadata.name}"`);
    }
  });
  if (!flags.dryRun)
    note(context.io, 'The crontab still stands. Take these jobs out of it, or each runs twice.');
}

/** A job whose line is gone stays. */
function answerOrphan(context: Context, name: string, { answer, label, flags }: Answering): void {
  if (flags.output === undefined) print(context.io, `job "${name}" kept${flags.dryRun ? '  (dry run)' : ''}`);
  const remove = `lsh cron remove ${name}${targetFlags(context)}`;
  answer.remark(
    label,
    `Job "${name}" came from this crontab, and its line is gone. \`${remove}\` removes it.`,
  );
}

async function readCrontab({ io }: Context, flags: ImportFlags): Promise<CrontabFile> {
  const file = flags.crontab === true ? (flags.system ? SYSTEM_CRONTAB : undefined) : flags.crontab;
  if (file === undefined) {
    return { content: await ownCrontab(), label: 'crontab', source: `crontab:${userName()}` };
  }
  if (file === '-') {
    const { bytesOfStdin } = await import('../../../input/documents.ts');
    const content = await bytesOfStdin(io);
    const source = flags.prefix === undefined ? 'stdin' : `stdin:${flags.prefix}`;
    return { content, label: '<stdin>', source, sharedSource: true };
  }
  const { bytesOf } = await import('../../../input/documents.ts');
  const content = await bytesOf(file);
  const path = await realpath(file);
  return { content, label: file, source: path, path };
}

async function ownCrontab(): Promise<Uint8Array> {
  try {
    return (await promisify(execFile)('crontab', ['-l'], { encoding: 'buffer' })).stdout;
  } catch (error) {
    const { code, message, ...output } = error as Error & { code?: string | number; stderr?: Buffer };
    const stderr = output.stderr?.toString() ?? '';
    if (NO_CRONTAB.test(stderr)) return new Uint8Array();
    const detail = code === 'ENOENT' ? 'there is no program "crontab" here' : stderr.trim() || message;
    const hint = 'Name a file with `lsh cron import --crontab FILE`.';
    throw new LshError('FILE_UNREADABLE', { path: 'of `crontab -l`', detail }, { cause: error, hint });
  }
}

function userName(): string {
  const { user, logname } = loadConfig();
  return user ?? logname ?? userInfo().username;
}

/** The names in /etc/passwd; none where there is no such file. */
async function accounts(): Promise<ReadonlySet<string>> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return new Set(
    passwd
      .split('\n')
      .map((line) => line.split(':')[0]!)
      .filter((name) => /^[a-z_]/.test(name)),
  );
}

async function knownJobs(context: Context, api: ImportApi): Promise<KnownJob[]> {
  const { manifestOf } = await import('../../../input/manifest.ts');
  return (await api.list({})).map((document) => {
    const { metadata, spec } = manifestOf(document, platformOf(context));
    return { name: metadata.name, annotations: metadata.annotations ?? {}, spec };
  });
}

/** The error with the line and the job before each problem. */
function atLine(thrown: unknown, where: string): unknown {
  if (!(thrown instanceof LshError)) return thrown;
  const problems = thrown.problems.map(({ path, message }) => ({ path: `${where}: ${path}`, message }));
  return new LshError(thrown.code, thrown.fields, { cause: thrown, hint: thrown.hint, problems });
}
