// `lsh init`: prepares a project for secrets. Asks nothing; every step is done once.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { parseDuration } from '../../../core/duration.ts';
import { repeatable, withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { print } from '../../output/print.ts';

interface InitFlags {
  inRepo?: boolean;
  project?: string;
  rotation?: string[];
}

/** `prod=90d` as an entry of the settings. Throws USAGE. */
function limitIn(word: string): [environment: string, duration: string] {
  const [environment = '', duration = '', ...more] = word.split('=');
  if (environment === '' || more.length > 0 || parseDuration(duration) === undefined)
    throw usage(`--rotation needs an environment and a duration such as prod=90d, not "${word}".`);
  return [environment, duration];
}

async function init({ io }: Context, { inRepo, project, rotation: words }: InitFlags): Promise<void> {
  const rotation = words && Object.fromEntries(words.map(limitIn));
  const { initProject } = await import('../../../processes/secrets/init.ts');
  const done = await initProject(process.cwd(), { inRepo, project, rotation }, io.now);
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
    .option(
      '--rotation <env=duration>',
      'how old the newest version of an environment may be before `lsh doctor` warns, such as prod=90d (repeatable)',
      repeatable,
    )
    .action((flags: InitFlags) => init(context, flags));
  withExamples(
    command,
    ['lsh init', 'Make a key and check .gitignore'],
    ['lsh init --in-repo', 'Share encrypted secrets with the team by git'],
  );
}
