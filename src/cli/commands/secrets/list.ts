// `lsh secrets list` and `get`: the variables of an environment, masked unless the user asks for a value.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, print, printDocument, printOutput, printTable } from '../../output/print.ts';
import { masked } from './change-lines.ts';
import { openHere } from './open.ts';
import { versionNumber, withEnvironment, type EnvironmentFlags } from './options.ts';

interface ListFlags extends EnvironmentFlags {
  all?: boolean;
  reveal?: boolean;
  revision?: number;
  output?: Format;
}

async function list(context: Context, { env, all, reveal, revision, output }: ListFlags): Promise<void> {
  const { io } = context;
  const { environmentsOf, fileOf } = await import('../../../processes/secrets/look.ts');
  const secrets = await openHere(context);
  if (all) {
    const environments = await environmentsOf(secrets);
    if (isDocumentFormat(output)) return printDocument(io, environments, output);
    if (environments.length === 0) note(io, `Nothing is stored for ${secrets.project.id} yet.`);
    return print(io, ...environments);
  }
  const shown = (value: string) => (reveal ? value : masked(value));
  const { values } = await fileOf(secrets, env, revision);
  const rows = [...values].map(([key, value]) => ({ key, value: shown(value) }));
  if (output === 'name') return print(io, ...rows.map(({ key }) => key));
  if (isDocumentFormat(output))
    return printDocument(io, Object.fromEntries(rows.map(({ key, value }) => [key, value])), output);
  printTable(
    io,
    ['KEY', 'VALUE'],
    rows.map(({ key, value }) => [key, value]),
  );
}

export function addList(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('list'))
    .description('List the variables of an environment; the values are masked.')
    .option('--all', 'list the environments of the project instead')
    .option('--reveal', 'show the values')
    .option('--revision <version>', 'of this older version', versionNumber)
    .addOption(formatOption('json', 'yaml', 'name'))
    .action((flags: ListFlags) => list(context, flags));
  withExamples(
    command,
    ['lsh secrets list --env prod', 'Which variables prod has'],
    ['lsh secrets list --all', 'Which environments the project has'],
  );
}

async function get(context: Context, key: string, { env, revision }: ListFlags): Promise<void> {
  const { valueOf } = await import('../../../processes/secrets/look.ts');
  const value = await valueOf(await openHere(context), env, key, revision);
  const { stdout } = context.io;
  // A program gets the bytes of the value; a terminal gets a line that cannot control it.
  if (stdout.isTTY) return print(context.io, value);
  await printOutput(context.io, value);
}

export function addGet(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('get').argument('<key>', 'name of the variable'))
    .description('Print the value of one variable, without a line end if the output is no terminal.')
    .option('--revision <version>', 'of this older version', versionNumber)
    .action((key: string, flags: ListFlags) => get(context, key, flags));
  withExamples(command, ['lsh secrets get --env prod TLS_KEY > key.pem', 'Write a value into a file']);
}
