// `lsh cron validate`: checks documents or an expression as their platform would. Only a document for a cluster whose
// Kubernetes Job has parts that the API server alone can check is shown to that server.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { loadConfig } from '../../../config.ts';
import { EXIT, toLshError, type Problem } from '../../../core/errors.ts';
import type { JobManifest } from '../../../core/job.ts';
import { platformOf, type Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import type { SourceDocument } from '../../input/documents.ts';
import { expressionInput, nameNotes, type ExpressionFlags } from '../../input/expression.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { paintFor, print, printDocument } from '../../output/print.ts';
import { counted } from '../../output/text.ts';
import { hostTimeZone } from '../../../local/host-time-zone.ts';
import { commandSettings } from '../../../processes/command-settings.ts';
import { calendar, relative } from '../../output/when.ts';

const SLOTS_SHOWN = 3;

interface Finding {
  level: 'error' | 'warning' | 'note';
  /** `file:line:column`. */
  at: string;
  path: string;
  message: string;
}

/** An expression has a space or begins with @, and no file has that name. */
function isExpression(target: string): boolean {
  return /\s|^@/.test(target.trim()) && !existsSync(target);
}

async function findingsIn(document: SourceDocument, context: Context): Promise<Finding[]> {
  if (document.problems.length > 0) {
    return document.problems.map(({ path, message }) => ({ level: 'error', at: path, path: '', message }));
  }
  const config = loadConfig();
  const platform = platformOf(context);
  const { checkManifest } = await import('../../input/check-manifest.ts');
  const { problems, warnings, notes } = checkManifest(document.value, platform, {
    ...commandSettings(config),
    now: context.io.now(),
    timeZone: platform === 'cluster' ? 'UTC' : hostTimeZone(config.tz),
  });
  const finding = (level: Finding['level'], { path, message }: Problem): Finding => ({
    level,
    at: document.where(path),
    path,
    message,
  });
  const asked = problems.length === 0 ? await askServer(document.value as JobManifest, context) : [];
  return [
    ...problems.map((problem) => finding('error', problem)),
    ...warnings.map((problem) => finding('warning', problem)),
    ...notes.map((problem) => finding('note', problem)),
    ...asked.map(({ level, ...problem }) => finding(level, problem)),
  ];
}

/** What the API server says about the Kubernetes Job of a document that is valid by itself. */
async function askServer(
  manifest: JobManifest,
  { cluster }: Context,
): Promise<(Problem & Pick<Finding, 'level'>)[]> {
  if (cluster === undefined) return [];
  const { kubeJobRefusal } = await import('../../../processes/cluster-jobs.ts');
  const path = 'spec.job';
  try {
    const problem = await kubeJobRefusal(cluster, manifest);
    return problem === undefined ? [] : [{ level: 'error', path, message: problem.message }];
  } catch (error) {
    const message = `was not shown to the API server: ${toLshError(error).message}`;
    return [{ level: 'note', path, message }];
  }
}

async function validateFile(context: Context, file: string, output?: Format): Promise<void> {
  const { readDocuments } = await import('../../input/documents.ts');
  const documents = await readDocuments(context.io, file);
  const findings: Finding[] = [];
  for (const document of documents) findings.push(...(await findingsIn(document, context)));
  const errors = findings.filter(({ level }) => level === 'error').length;
  if (errors > 0 || documents.length === 0) context.status = EXIT.usage;
  if (isDocumentFormat(output)) return printDocument(context.io, findings, output);
  const paint = paintFor(context.io.stdout);
  for (const { level, at, path, message } of findings) {
    const word = paint(level === 'error' ? 'bad' : 'warn', level);
    print(context.io, `${at}: ${word}: ${path === '' ? '' : `${path}: `}${message}`);
  }
  const source = file === '-' ? '<stdin>' : file;
  const amount = documents.length === 0 ? 'no document' : counted(documents.length, 'document');
  print(
    context.io,
    errors === 0 && documents.length > 0
      ? `${source}: ${amount}, valid`
      : `${source}: ${amount}, ${counted(errors, 'problem')}`,
  );
}

interface ValidateFlags extends ExpressionFlags {
  output?: Format;
}

async function validateExpression(context: Context, expression: string, flags: ValidateFlags): Promise<void> {
  const { compileSchedule } = await import('../../../core/schedule/schedule.ts');
  const { scheduleNotes } = await import('../../../core/schedule/notes.ts');
  const { io } = context;
  const now = io.now();
  const input = expressionInput(context, expression, flags);
  const schedule = compileSchedule(input);
  const notes = [...(await nameNotes(input, flags)), ...scheduleNotes(input, now)];
  const slots: number[] = [];
  for (
    let slot = schedule.next(now);
    slot !== undefined && slots.length < SLOTS_SHOWN;
    slot = schedule.next(slot)
  ) {
    slots.push(slot);
  }
  if (isDocumentFormat(flags.output)) {
    const next = slots.map((slot) => new Date(slot).toISOString());
    return printDocument(io, { expression, valid: true, next, notes }, flags.output);
  }
  print(io, `"${expression}" is valid`);
  print(io, ...slots.map((slot) => `  ${calendar(slot, input.timeZone)}  ${relative(slot, now)}`));
  print(io, ...notes.map((text) => `${paintFor(io.stdout)('warn', 'note:')} ${text}`));
}

export function addValidate(cron: Command, context: Context): void {
  const command = cron
    .command('validate')
    .description('Check documents or an expression without changing a job. Needs no daemon.')
    .argument('<file|expr>', 'file, directory, - for stdin, or an expression in quotes')
    .option('--tz <zone>', 'zone of an expression; default: the zone of this machine, in a cluster UTC')
    .option('--name <name>', 'the job that would have the expression: decides where H falls')
    .addOption(formatOption('json', 'yaml'))
    .action((target: string, flags: ValidateFlags) =>
      isExpression(target)
        ? validateExpression(context, target, flags)
        : validateFile(context, target, flags.output),
    );
  withExamples(
    command,
    ['lsh cron validate lshjob.yaml', 'List every problem with file, line and column'],
    [
      'lsh cron validate lshjob.yaml --cluster',
      'Check by the rules of a cluster, and ask its API server about job and references',
    ],
    ['lsh cron validate "0 2 * * 0"', 'Check an expression, and show its next slots'],
  );
}
