// `lsh key list`, `add-recipient`, `remove-recipient` and `rekey`: who can open an environment.
import type { Command } from 'commander';
import type { Changed } from '../../../processes/secrets/change.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, isDocumentFormat, type Format } from '../../output/format-option.ts';
import { note, paintFor, print, printDocument, printTable } from '../../output/print.ts';
import { openHere } from '../secrets/open.ts';
import { withEnvironment, type EnvironmentFlags } from '../secrets/options.ts';

interface RecipientFlags extends EnvironmentFlags {
  output?: Format;
}

async function list(context: Context, { env, output }: RecipientFlags): Promise<void> {
  const { io } = context;
  const { recipientsOf } = await import('../../../processes/secrets/look.ts');
  const recipients = await recipientsOf(await openHere(context), env);
  if (isDocumentFormat(output)) return printDocument(io, recipients, output);
  printTable(
    io,
    ['NAME', 'KIND', 'RECIPIENT'],
    recipients.map(({ name, recipient }) => [
      name,
      recipient.startsWith('age1pq1') ? 'post-quantum' : 'classic',
      recipient.length > 62 ? `${recipient.slice(0, 40)}…` : recipient,
    ]),
  );
}

export function addRecipientList(key: Command, context: Context): void {
  const command = withEnvironment(key.command('list'))
    .description('List who can open the newest version of an environment.')
    .addOption(formatOption('json', 'yaml'))
    .action((flags: RecipientFlags) => list(context, flags));
  withExamples(command, ['lsh key list --env prod', 'Who can open prod']);
}

async function printReaders({ io }: Context, changed: Changed, output: Format | undefined): Promise<void> {
  const { project, environment, version, recipients } = changed;
  if (isDocumentFormat(output)) return printDocument(io, changed, output);
  const names = recipients.map(({ name }) => name).join(', ');
  print(
    io,
    `${project} ${environment}: ${paintFor(io.stdout)('good', `version ${version}`)} opens for ${names}`,
  );
}

export function addRecipientAdd(key: Command, context: Context): void {
  const command = withEnvironment(
    key
      .command('add-recipient')
      .argument('<name>', 'name of the person or machine')
      .argument('<recipient>', 'what `lsh key show` prints there'),
  )
    .description('Let a teammate or a machine open an environment: stores a new version for it as well.')
    .addOption(formatOption('json', 'yaml'))
    .action(async (name: string, recipient: string, { env, output }: RecipientFlags) => {
      const { addRecipient } = await import('../../../processes/secrets/change.ts');
      const secrets = await openHere(context);
      await printReaders(context, await addRecipient(secrets, env, { name, recipient }), output);
    });
  withExamples(command, ['lsh key add-recipient --env prod ann age1…', 'Let Ann open prod from now on']);
}

export function addRecipientRemove(key: Command, context: Context): void {
  const command = withEnvironment(
    key.command('remove-recipient').argument('<name>', 'name, or the recipient itself'),
  )
    .description(
      'Store a new version that a recipient cannot open. The recipient still opens the versions before.',
    )
    .addOption(formatOption('json', 'yaml'))
    .action(async (name: string, { env, output }: RecipientFlags) => {
      const { removeRecipient } = await import('../../../processes/secrets/change.ts');
      await printReaders(context, await removeRecipient(await openHere(context), env, name), output);
      note(context.io, `${name} knows the values of the versions before: rotate them.`);
    });
  withExamples(command, ['lsh key remove-recipient --env prod ann', 'When Ann leaves the team']);
}

export function addRekey(key: Command, context: Context): void {
  const command = withEnvironment(key.command('rekey'))
    .description('Make a new key of yours and store a new version for it, in place of your older keys.')
    .addOption(formatOption('json', 'yaml'))
    .action(async ({ env, output }: RecipientFlags) => {
      const { rekey } = await import('../../../processes/secrets/change.ts');
      await printReaders(context, await rekey(await openHere(context), env, context.io.now), output);
    });
  withExamples(command, ['lsh key rekey --env prod', 'After the loss of a laptop']);
}
