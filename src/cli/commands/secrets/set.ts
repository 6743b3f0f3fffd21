// `lsh secrets set` and `unset`: change single variables. A value comes from stdin, a file or a prompt: other users can read
// the arguments of a process.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, paintFor, print, printDocument } from '../../output/print.ts';
import { changeLines } from './change-lines.ts';
import type { Changed } from '../../../processes/secrets/change.ts';
import { openHere } from './open.ts';
import { withEnvironment, type EnvironmentFlags } from './options.ts';

interface SetFlags extends EnvironmentFlags {
  fromFile?: string;
  output?: Format;
}

/** Prints what a change of the store has done. */
export async function printChanged({ io }: Context, changed: Changed, output?: Format): Promise<void> {
  if (isDocumentFormat(output)) return printDocument(io, changed, output);
  const paint = paintFor(io.stdout);
  const { project, environment, version, changes } = changed;
  print(
    io,
    `${project} ${environment}: ${paint('good', `version ${version}`)}`,
    ...changeLines(changes, paint),
  );
}

async function set(context: Context, words: string[], { env, fromFile, output }: SetFlags): Promise<void> {
  const values = await valuesOf(context, words, fromFile);
  const { setVariables } = await import('../../../processes/secrets/change.ts');
  await printChanged(context, await setVariables(await openHere(context), env, values), output);
}

async function valuesOf(
  { io }: Context,
  words: string[],
  fromFile: string | undefined,
): Promise<Map<string, string>> {
  const [word = '', ...more] = words;
  if (words.every((each) => each.includes('='))) {
    note(
      io,
      'warning: a value in the arguments is visible to other users, and stays in the history of the shell.',
    );
    return new Map(
      words.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
    );
  }
  if (more.length > 0)
    throw usage('Give one name, whose value is read from stdin or a file, or several NAME=VALUE.');
  if (fromFile !== undefined) return new Map([[word, contentOf(fromFile)]]);
  if (!io.stdin.isTTY) return new Map([[word, (await text(io.stdin)).replace(/\r?\n$/, '')]]);
  const { ask } = await import('../../input/prompt.ts');
  return new Map([[word, await ask(io, { prompt: `Value of ${word}: `, what: 'a value', hidden: true })]]);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new LshError('FILE_UNREADABLE', { path, detail: (error as Error).message }, { cause: error });
  }
}

export function addSet(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('set').argument('<key...>', 'name of the variable'))
    .description(
      'Set a variable: reads the value from stdin, from a file, or asks for it. A final line end is not part of it. Stores a new version.',
    )
    .option('--from-file <path>', 'read the value from this file')
    .addOption(formatOption('json', 'yaml'))
    .action((words: string[], flags: SetFlags) => set(context, words, flags));
  withExamples(
    command,
    ['openssl rand -hex 32 | lsh secrets set --env prod API_KEY', 'Set a value that no other program sees'],
    ['lsh secrets set --env prod TLS_KEY --from-file key.pem', 'Set the content of a file'],
  );
}

async function unset(context: Context, keys: string[], { env, output }: SetFlags): Promise<void> {
  const { unsetVariables } = await import('../../../processes/secrets/change.ts');
  await printChanged(context, await unsetVariables(await openHere(context), env, keys), output);
}

export function addUnset(secrets: Command, context: Context): void {
  const command = withEnvironment(secrets.command('unset').argument('<key...>', 'names of the variables'))
    .description('Remove variables. Stores a new version; the versions before keep the values.')
    .addOption(formatOption('json', 'yaml'))
    .action((keys: string[], flags: SetFlags) => unset(context, keys, flags));
  withExamples(command, ['lsh secrets unset --env prod OLD_KEY', 'Remove a variable']);
}
