// `lsh init`: prepares a project for secrets. Asks nothing; every step is done once.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { print } from '../../output/print.ts';

interface InitFlags {
  inRepo?: boolean;
  project?: string;
}

async function init({ io }: Context, { inRepo, project }: InitFlags): Promise<void> {
  const { initProject } = await import('../../../processes/secrets/init.ts');
  const done = await initProject(process.cwd(), { inRepo, project }, io.now);
  print(
    io,
    `project   ${done.project}`,
    `versions  ${done.place}`,
    `key       ${done.keyFile}${done.isNewKey ? ' (new: keep a copy, nothing opens the secrets without it)' : ''}`,
    `recipient ${done.recipient}`,
    ...done.written.map((path) => `written   ${path}`),
    '',
    done.inRepo
      ? 'Next: `lsh push --env dev`, then commit .lsh and .gitignore.'
      : 'Next: `lsh push --env dev` stores the .env file.',
  );
}

export function addInit(program: Command, context: Context): void {
  const command = program
    .command('init')
    .description(
      'Prepare this project for secrets: a key of yours, and a .gitignore that keeps env files out of git.',
    )
    .option('--in-repo', 'keep the encrypted versions in the project, in .lsh/secrets, to share them by git')
    .option('--project <name>', 'name the project, in place of the name from the git remote')
    .action((flags: InitFlags) => init(context, flags));
  withExamples(
    command,
    ['lsh init', 'Make a key and check .gitignore'],
    ['lsh init --in-repo', 'Share encrypted secrets with the team by git'],
  );
}
