// `lsh diff`: which variables differ between the newest version and the file, or between two versions.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { formatOption, type Format } from '../../output/format-option.ts';
import { paintFor, print, printDocument } from '../../output/print.ts';
import { changeLines } from './change-lines.ts';
import { versionNumber, withEnvironment, type EnvironmentFlags } from './options.ts';

interface DiffFlags extends EnvironmentFlags {
  file?: string;
  reveal?: boolean;
  exitCode?: boolean;
  output?: Format;
}

async function diff(context: Context, names: string[], flags: DiffFlags): Promise<void> {
  const { io } = context;
  const versions = names.map(versionNumber);
  if (versions.some(Number.isNaN)) throw usage('A version is a number, as `lsh secrets history` shows it.');
  if (versions.length > 2) throw usage('Give at most two versions.');
  const { openProject } = await import('../../../processes/secrets/project-secrets.ts');
  const { diff: differenceOf } = await import('../../../processes/secrets/pull.ts');
  const found = await differenceOf(openProject(process.cwd(), io.now), flags.env, {
    file: flags.file,
    versions,
  });
  const { environment, from, to, changes, before, after } = found;
  if (flags.exitCode && changes.length > 0) context.status = 1;
  const values = (key: string) => ({ before: before.values.get(key), after: after.values.get(key) });
  if (flags.output === 'json' || flags.output === 'yaml') {
    const shown = changes.map((change) => (flags.reveal ? { ...change, ...values(change.key) } : change));
    return printDocument(io, { environment, from, to, changes: shown }, flags.output);
  }
  if (changes.length === 0) return print(io, `no variable differs between ${from} and ${to}`);
  const paint = paintFor(io.stdout);
  print(io, `${environment}: from ${from} to ${to}`);
  for (const change of changes) {
    print(io, ...changeLines([change], paint));
    if (!flags.reveal) continue;
    const { before: old, after: value } = values(change.key);
    if (old !== undefined) print(io, `      was ${JSON.stringify(old)}`);
    if (value !== undefined) print(io, `      is  ${JSON.stringify(value)}`);
  }
}

export function addDiff(program: Command, context: Context): void {
  const command = withEnvironment(
    program.command('diff').argument('[versions...]', 'none, one or two versions'),
  )
    .description(
      'Show which variables a push would change: from the newest version to the env file, or from one version to another. Shows names alone.',
    )
    .option('-f, --file <path>', 'the env file')
    .option('--reveal', 'show the values')
    .option('--exit-code', 'exit with 1 if there are differences')
    .addOption(formatOption('json', 'yaml'))
    .action((names: string[], flags: DiffFlags) => diff(context, names, flags));
  withExamples(
    command,
    ['lsh diff --env prod', 'What `lsh push --env prod` would change'],
    ['lsh diff --env prod 3', 'What changed since version 3'],
    ['lsh diff --env prod 3 4 --reveal', 'What version 4 changed, with the values'],
  );
}
