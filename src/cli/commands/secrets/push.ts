// `lsh push`: encrypts an env file and stores it as the next version of its environment. Needs no terminal.
import { Option, type Command } from 'commander';
import type { Leak } from '../../../processes/secrets/guard/ignore.ts';
import type { Pushed } from '../../../processes/secrets/push.ts';
import { KUBECONFIG_DESCRIPTION } from '../../cluster-options.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { usage } from '../../failure.ts';
import { formatOption, type Format } from '../../output/format-option.ts';
import { note, paintFor, print, printDocument } from '../../output/print.ts';
import { changeLines } from './change-lines.ts';
import { counted } from '../../output/text.ts';
import { withEnvironment, type EnvironmentFlags } from './options.ts';

interface PushFlags extends EnvironmentFlags {
  file?: string;
  merge?: boolean;
  force?: boolean;
  output?: Format;
  to?: 'kubernetes';
  namespace?: string;
  context?: string;
  kubeconfig?: string;
}

async function push({ io }: Context, flags: PushFlags): Promise<void> {
  const { env, output, file, merge, force } = flags;
  const options = { file, merge, force };
  const { push: pushFile } = await import('../../../processes/secrets/push.ts');
  const { leak, ...pushed } = await pushFile(process.cwd(), env, options, io.now);
  for (const { key, line } of pushed.duplicates)
    note(io, `${key} stands more than once in ${pushed.path}; line ${line} counts.`);
  if (pushed.newKey !== undefined)
    note(
      io,
      `There was no key yet: lsh made one in ${pushed.newKey}. Keep a copy of it: without a key, nothing opens the secrets.`,
    );
  warnOfLeak(io, pushed.path, leak);
  if (output === 'json' || output === 'yaml') {
    const delivered = await delivery(io, flags);
    return printDocument(io, { ...pushed, ...(delivered && { delivered }) }, output);
  }
  tell(io, env, pushed);
  const delivered = await delivery(io, flags);
  if (delivered === undefined) return;
  const { namespace, name, result, version } = delivered;
  print(io, `Secret ${namespace}/${name}: ${result}, with ${version}`);
}

/** Delivers the newest version if the flags ask for it. */
async function delivery(io: Context['io'], { env, to, ...choice }: PushFlags) {
  if (to === undefined) {
    if ([choice.namespace, choice.context, choice.kubeconfig].every((value) => value === undefined))
      return undefined;
    throw usage('--namespace, --context and --kubeconfig go with --to kubernetes.');
  }
  const { openProject } = await import('../../../processes/secrets/project-secrets.ts');
  const { deliver } = await import('../../../processes/secrets/deliver.ts');
  const delivered = await deliver(openProject(process.cwd(), io.now), env, choice);
  const { awkward } = delivered;
  if (awkward.length > 0)
    note(io, `A shell cannot use these variables, and Kubernetes may leave them out: ${awkward.join(', ')}.`);
  return delivered;
}

function tell(io: Context['io'], env: string, pushed: Omit<Pushed, 'leak'>): void {
  const paint = paintFor(io.stdout);
  const { project, result, version, changes, place, recipients, backup } = pushed;
  if (result === 'unchanged')
    return print(io, `${project} ${env}: ${paint('dim', 'unchanged')}, version ${version}`);
  print(
    io,
    `${project} ${env}: ${paint('good', `version ${version} stored`)} for ${counted(recipients.length, 'recipient')} in ${place}`,
  );
  print(io, ...changeLines(changes, paint));
  if (backup !== undefined) note(io, `The merge changed ${pushed.path}; the file before is ${backup}.`);
}

/** Warns of an env file that git would commit. */
export function warnOfLeak(io: Context['io'], path: string, leak: Leak | undefined): void {
  if (leak !== undefined) note(io, `warning: git ${leak} ${path}; \`lsh init\` adds it to .gitignore.`);
}

export function addPush(program: Command, context: Context): void {
  const command = withEnvironment(program.command('push'))
    .description(
      'Encrypt the env file (.env.NAME, or .env) and store it as the next version of the environment. Prints what changes, never a value.',
    )
    .option('-f, --file <path>', 'the env file')
    .option('--merge', 'merge with changes that others pushed meanwhile, where no variable clashes')
    .option('--force', 'store the file as it is, even if that drops values or changes of others')
    .addOption(
      new Option(
        '--to <target>',
        'kubernetes: deliver the version as the Secret lsh-secrets-NAME, which jobs with --secrets-env read',
      ).choices(['kubernetes']),
    )
    .option('--namespace <name>', 'namespace of the Secret; default: that of the context')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--kubeconfig <file>', KUBECONFIG_DESCRIPTION)
    .addOption(formatOption('json', 'yaml'))
    .action((flags: PushFlags) => push(context, flags));
  withExamples(
    command,
    ['lsh push --env prod', 'Store .env.prod, or .env, as prod; the first push makes a key'],
    [
      'lsh cron add --name rotate-secrets --schedule "0 2 * * 0" --command "lsh push --env prod"',
      'Push each Sunday at two',
    ],
    ['lsh push --env prod --to kubernetes --namespace shop', 'Store it, and deliver it to a cluster'],
    ['lsh push --env prod --merge', 'Store your changes beside those of a teammate'],
  );
}
