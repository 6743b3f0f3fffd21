// `lsh cron templates|create-from-template`: common jobs with parameters.
import type { Command } from 'commander';
import type { JobSpecInput } from '../../../../core/spec/job-spec.ts';
import type { Template } from '../../../../core/import/templates.ts';
import { platformOf, type Context } from '../../../context.ts';
import { repeatable, withExamples, type Wanted } from '../../../define.ts';
import { usage } from '../../../failure.ts';
import { withBounds } from '../../../input/bounds.ts';
import { specFromFlags, type SpecFlags } from '../../../input/spec-from-flags.ts';
import { formatOption, isDocumentFormat, type Format } from '../../../output/format-option.ts';
import { paintFor, print, printDocument } from '../../../output/print.ts';
import { pad } from '../../../output/text.ts';
import { printPutAs } from '../../../output/put.ts';
import { withSpecFlags } from '../add.ts';

async function templates({ io }: Context, { output }: { output?: Format }): Promise<void> {
  const { TEMPLATES } = await import('../../../../core/import/templates.ts');
  if (isDocumentFormat(output)) return printDocument(io, TEMPLATES, output);
  if (output === 'name') return print(io, ...TEMPLATES.map(({ name }) => name));
  const bold = (text: string) => paintFor(io.stdout)('head', text);
  for (const template of TEMPLATES) print(io, ...describe(template, bold));
  print(io, 'Use one with `lsh cron create-from-template NAME --set PARAMETER=VALUE`.');
}

function describe(
  { name, description, spec, parameters }: Template,
  bold: (text: string) => string,
): string[] {
  const width = Math.max(...parameters.map((parameter) => parameter.name.length));
  const lines = parameters.map((parameter) => {
    const standard = parameter.default === undefined ? '' : ` Default: ${parameter.default}.`;
    return `    ${pad(parameter.name, width)}  ${parameter.description}${standard}`;
  });
  return [`${bold(name)}  ${spec.schedule ?? ''}`, `  ${description}`, ...lines, ''];
}

export function addTemplates(cron: Command, context: Context): void {
  const command = cron
    .command('templates')
    .description('List the templates and their parameters. Needs no daemon.')
    .addOption(formatOption('table', 'json', 'yaml', 'name'))
    .action((flags: { output?: Format }) => templates(context, flags));
  withExamples(command, ['lsh cron templates', 'All templates']);
}

interface CreateFlags extends SpecFlags {
  name?: string;
  set?: string[];
  dryRun?: true;
  output?: Format;
}

function parameterValues(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const equals = setting.indexOf('=');
      if (equals < 1)
        throw usage(`--set needs PARAMETER=VALUE, not "${setting}".`, 'See `lsh cron templates`.');
      return [setting.slice(0, equals), setting.slice(equals + 1)];
    }),
  );
}

async function create(context: Context, template: string, flags: CreateFlags): Promise<void> {
  const { fromTemplate } = await import('../../../../core/import/templates.ts');
  const job = fromTemplate(template, parameterValues(flags.set ?? []), flags.name);
  const bounded = await withBounds(context, flags);
  // The command decides whether the job starts in this directory.
  const given = specFromFlags({ command: job.spec.command, ...bounded }, [], platformOf(context));
  const { schedule, ...rest } = job.spec;
  const spec: JobSpecInput = {
    ...rest,
    ...(given.schedules === undefined && { schedule }),
    ...given,
    retry: { ...rest.retry, ...given.retry },
    env: [...(rest.env ?? []), ...(given.env ?? [])],
  };
  const request = { job: { ...job, spec }, dryRun: flags.dryRun === true };
  const result = await (await context.api()).put(request);
  await printPutAs(context.io, result, flags);
}

export function addCreateFromTemplate(cron: Command, context: Context, below: Wanted): void {
  const command = cron
    .command('create-from-template')
    .description('Add a job from a template. Every flag of `add` overrides the template.')
    .argument('<template>', 'as `lsh cron templates` names it')
    .option('-n, --name <name>', 'name of the job; default: the name of the template')
    .option('--set <parameter=value>', 'a parameter of the template (repeatable)', repeatable);
  withSpecFlags(command, below).action((template: string, flags: CreateFlags) =>
    create(context, template, flags),
  );
  withExamples(
    command,
    [
      'lsh cron create-from-template database-backup --set database=app --set directory=/backups',
      'A nightly dump',
    ],
    [
      'lsh cron create-from-template disk-monitor --set percent=80 --schedule "*/5 * * * *"',
      'The same as the template, but every five minutes',
    ],
    [
      'lsh cron create-from-template rotate-secrets --set environment=prod --set key=API_KEY --set generate=./new-key --set verify=./use-key',
      'A new value each 30 days, with the scripts of this directory',
    ],
  );
}
