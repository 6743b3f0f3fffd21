// `lsh cron edit`: the job in an editor. After a refusal the editor opens again, with the problem above the document.
// A text that lsh does not apply stays in a file, which the error names.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../../config.ts';
import { EXIT, LshError, toLshError } from '../../../core/errors.ts';
import type { JobManifest } from '../../../core/job.ts';
import { oneLine } from '../../../core/printable.ts';
import type { PutResult } from '../../../contracts/job-api.ts';
import { platformOf, targetFlags, type Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { note, serialize } from '../../output/print.ts';
import { printPut } from '../../output/put.ts';

/** Begins each line of a problem above the document; removed before the next try. */
const PROBLEM_MARK = '#! ';

/** Opens the file in the user’s editor and waits until the editor exits. Throws EDITOR_FAILED. */
async function openEditor(file: string): Promise<void> {
  const { visual, editor } = loadConfig();
  const line = visual ?? editor ?? 'vi';
  // The variable may hold arguments (`code --wait`), so a shell splits it. The file name is passed unsplit.
  const child = spawn('/bin/sh', ['-c', `${line} "$1"`, 'edit', file], { stdio: 'inherit' });
  // Ctrl-C belongs to the editor while it is open.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new LshError('EDITOR_FAILED', { editor: line, status: code ?? 'a signal' });
  } finally {
    process.off('SIGINT', ignore);
  }
}

function withProblem(content: string, error: LshError): string {
  const lines = [error.message, ...error.problems.map(({ path, message }) => `  ${path}: ${message}`)];
  return [...lines.map((line) => `${PROBLEM_MARK}${oneLine(line)}`), content].join('\n');
}

function withoutProblem(content: string): string {
  return content
    .split('\n')
    .filter((line) => !line.startsWith(PROBLEM_MARK))
    .join('\n');
}

/** Parses the text and puts the job. Throws with the position of each problem. */
async function putText(context: Context, name: string, content: string): Promise<PutResult> {
  const { parseDocuments } = await import('../../input/documents.ts');
  const { assertReadable, located } = await import('../../input/located.ts');
  const [document, ...rest] = parseDocuments(content, name);
  if (!document || rest.length > 0)
    throw new LshError('JOB_INVALID', { detail: 'give exactly one document.' });
  assertReadable(document);
  const job = document.value as JobManifest;
  if (job.metadata?.name !== name) {
    throw new LshError('JOB_INVALID', { detail: `metadata.name must stay "${name}".` });
  }
  try {
    return await (await context.api()).put({ job });
  } catch (error) {
    throw located(document, error);
  }
}

/** Whether the text holds nothing but blanks and comments. */
function isEmpty(content: string): boolean {
  return content.split('\n').every((line) => /^\s*(#.*)?$/.test(line));
}

/** Opens the editor until the job is accepted. Returns a sentence if the user leaves nothing to apply. */
async function editUntilValid(
  context: Context,
  name: string,
  file: string,
  original: string,
): Promise<PutResult | string> {
  const { contentOf } = await import('../../input/documents.ts');
  let refused: { content: string; problem: LshError } | undefined;
  for (;;) {
    await writeFile(file, refused ? withProblem(refused.content, refused.problem) : original, {
      mode: 0o600,
    });
    await openEditor(file);
    const content = withoutProblem(await contentOf(file));
    if (content === original) return `job "${name}" unchanged`;
    if (isEmpty(content)) return `job "${name}" unchanged: the saved text is empty`;
    // The user gives up, or the editor is a program that makes the same mistake each time.
    if (content === refused?.content) throw refused.problem;
    try {
      return await putText(context, name, content);
    } catch (error) {
      const problem = toLshError(error);
      if (problem.exitStatus !== EXIT.usage && problem.exitStatus !== EXIT.refused) throw problem;
      note(context.io, `${problem.message} The editor opens again; close it without a change to give up.`);
      refused = { content, problem };
    }
  }
}

/** The error with a hint at the file, if the file has a text of the user; otherwise undefined. */
async function withKeptText(
  context: Context,
  file: string,
  { original, thrown }: { original: string; thrown: unknown },
): Promise<LshError | undefined> {
  const content = withoutProblem(await readFile(file, 'utf8').catch(() => original));
  if (content === original || isEmpty(content)) return undefined;
  await writeFile(file, content, { mode: 0o600 });
  const error = toLshError(thrown);
  const hint = `Your text is in ${file}; \`lsh apply -f ${file}${targetFlags(context)}\` applies it. ${error.hint}`;
  return new LshError(error.code, error.fields, { cause: error, hint, problems: error.problems });
}

async function edit(context: Context, name: string): Promise<void> {
  const { manifestOf } = await import('../../input/manifest.ts');
  const job = await (await context.api()).get({ name });
  const original = await serialize(manifestOf(job, platformOf(context)), 'yaml');
  const directory = await mkdtemp(join(tmpdir(), 'lsh-edit-'));
  const file = join(directory, `${name}.yaml`);
  const discard = () => rm(directory, { recursive: true, force: true });
  try {
    const result = await editUntilValid(context, name, file, original);
    if (typeof result === 'string') note(context.io, result);
    else await printPut(context.io, result);
  } catch (thrown) {
    const kept = await withKeptText(context, file, { original, thrown });
    if (kept) throw kept;
    await discard();
    throw thrown;
  }
  await discard();
}

export function addEdit(cron: Command, context: Context): void {
  const command = cron
    .command('edit')
    .description('Open a job as YAML in $VISUAL or $EDITOR, and apply what you save.')
    .argument('<name>', 'the job')
    .action((name: string) => edit(context, name));
  withExamples(command, ['EDITOR=nano lsh cron edit rotate-secrets', 'Change a job in nano']);
}
