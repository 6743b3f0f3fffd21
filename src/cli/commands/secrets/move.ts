// `lsh secrets import`, `export` and `scan`: the way in and out for other programs, and into git by mistake.
import { randomBytes } from 'node:crypto';
import { Argument, Option, type Command } from 'commander';
import type { ExportFormat } from '../../../processes/secrets/move.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, print, printDocument, printOutput } from '../../output/print.ts';
import { counted } from '../../output/text.ts';
import { openHere } from './open.ts';
import { versionNumber, withEnvironment, type EnvironmentFlags } from './options.ts';
import { printChanged } from './set.ts';

/** As in src/secrets, which the command line loads only when it runs. */
const FORMATS: ExportFormat[] = ['dotenv', 'json', 'yaml', 'shell', 'docker', 'github'];

interface ExportFlags extends EnvironmentFlags {
  format: ExportFormat;
  revision?: number;
}

async function exportAs(context: Context, { env, format, revision }: ExportFlags): Promise<void> {
  const { fileOf } = await import('../../../processes/secrets/look.ts');
  const { exportText } = await import('../../../processes/secrets/move.ts');
  const { values } = await fileOf(await openHere(context), env, revision);
  if (format === 'json' || format === 'yaml')
    return printDocument(context.io, Object.fromEntries(values), format);
  await printOutput(context.io, exportText(format, values, `EOF_${randomBytes(12).toString('hex')}`));
}

export function addExport(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('export'))
    .description('Print the variables with their values for another program.')
    .addOption(
      new Option(
        '--format <format>',
        'dotenv, json, yaml, shell, docker (--env-file) or github ($GITHUB_ENV)',
      )
        .choices(FORMATS)
        .default('dotenv'),
    )
    .option('--revision <version>', 'of this older version', versionNumber)
    .action((flags: ExportFlags) => exportAs(context, flags));
  withExamples(
    command,
    ['eval "$(lsh secrets export --env dev --format shell)"', 'Set the variables in this shell'],
    [
      'lsh secrets export --env ci --format github >> "$GITHUB_ENV"',
      'Set them for later steps of a workflow',
    ],
  );
}

interface ImportFlags extends EnvironmentFlags {
  output?: Format;
}

async function importFrom(context: Context, path: string, { env, output }: ImportFlags): Promise<void> {
  const { bytesOf, bytesOfStdin } = await import('../../input/documents.ts');
  const { importText } = await import('../../../processes/secrets/move.ts');
  const bytes = path === '-' ? await bytesOfStdin(context.io) : await bytesOf(path);
  const text = Buffer.from(bytes).toString();
  const changed = await importText(await openHere(context), env, { text, name: path });
  await printChanged(context, changed, output);
}

export function addImport(secrets: Command, context: Context): void {
  const command = withEnvironment(
    secrets
      .command('import')
      .addArgument(new Argument('<file>', 'an env file or a JSON object; - for stdin')),
  )
    .description(
      'Add the variables of a file to an environment; others stay. Says which program decrypts a file of sops, dotenvx or dotenv-vault.',
    )
    .addOption(formatOption('json', 'yaml'))
    .action((path: string, flags: ImportFlags) => importFrom(context, path, flags));
  withExamples(
    command,
    ['lsh secrets import --env staging old.env', 'Add the variables of a file'],
    ['sops decrypt prod.sops.env | lsh secrets import --env prod -', 'Bring secrets from sops'],
  );
}

async function scan(context: Context, { staged = false, output }: { staged?: boolean; output?: Format }) {
  const { io } = context;
  const { scan: scanFiles } = await import('../../../processes/secrets/guard/scan.ts');
  const result = await scanFiles(await openHere(context), { staged });
  const { findings, files, environments, closed } = result;
  if (findings.length > 0) context.status = 1;
  for (const environment of closed)
    note(io, `warning: no key of this machine opens ${environment}; its values were not looked for.`);
  if (isDocumentFormat(output)) return printDocument(io, result, output);
  print(
    io,
    ...findings.map(
      ({ path, line, key, environment }) => `${path}:${line}: the value of ${key} of ${environment}`,
    ),
  );
  if (findings.length === 0)
    print(io, `no value of ${counted(environments.length, 'environment')} in ${counted(files, 'file')}`);
}

export function addScan(secrets: Command, context: Context): void {
  const command = secrets
    .command('scan')
    .description(
      'Look for values of the project’s secrets in the files that git tracks. Exits with 1 if there is one; never prints a value.',
    )
    .option('--staged', 'in what the next commit would hold, as a pre-commit hook does')
    .addOption(formatOption('json', 'yaml'))
    .action((flags: { staged?: boolean; output?: Format }) => scan(context, flags));
  withExamples(command, ['lsh secrets scan --staged', 'The line of .git/hooks/pre-commit']);
}
