// `lsh pull`: writes the newest version into the env file, and keeps the file before.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, type Format } from '../../output/format-option.ts';
import { note, paintFor, print, printDocument } from '../../output/print.ts';
import { changeLines } from './change-lines.ts';
import { versionNumber, withEnvironment, type EnvironmentFlags } from './options.ts';
import { warnOfLeak } from './push.ts';

interface PullFlags extends EnvironmentFlags {
  file?: string;
  merge?: boolean;
  revision?: number;
  output?: Format;
}

async function pull({ io }: Context, { env, output, revision, ...options }: PullFlags): Promise<void> {
  const { openProject } = await import('../../../processes/secrets/project-secrets.ts');
  const { pull: pullFile } = await import('../../../processes/secrets/pull.ts');
  const secrets = openProject(process.cwd(), io.now);
  const { leak, ...pulled } = await pullFile(secrets, env, { ...options, version: revision }, io.now);
  warnOfLeak(io, pulled.path, leak);
  if (output === 'json' || output === 'yaml') return printDocument(io, pulled, output);
  const { project, version, result, path, changes, backup, author } = pulled;
  const paint = paintFor(io.stdout);
  const verb = paint(result === 'written' ? 'good' : 'dim', result);
  print(
    io,
    `${path} ${verb}: ${project} ${env}, version ${version} of ${author}`,
    ...changeLines(changes, paint),
  );
  if (backup !== undefined) note(io, `The file before is ${backup}.`);
}

export function addPull(program: Command, context: Context): void {
  const command = withEnvironment(program.command('pull'))
    .description(
      'Write the newest version of the environment into its env file (.env for dev, .env.NAME otherwise), readable by you alone. Keeps the file before as a backup.',
    )
    .option('-f, --file <path>', 'the env file')
    .option('--merge', 'keep what you changed in the file, where no variable clashes')
    .option('--revision <version>', 'write this older version', versionNumber)
    .addOption(formatOption('json', 'yaml'))
    .action((flags: PullFlags) => pull(context, flags));
  withExamples(
    command,
    ['lsh pull', 'Write .env'],
    ['lsh pull --env prod --file /etc/app/env', 'Write another file'],
    ['lsh pull --merge', 'Bring in changes of a teammate beside your own'],
  );
}
