// `lsh key generate` and `show`: the keys of this user.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { formatOption, type Format } from '../../output/format-option.ts';
import { note, print, printDocument } from '../../output/print.ts';

async function generate({ io }: Context, { classic }: { classic?: boolean }): Promise<void> {
  const { openProject } = await import('../../../processes/secrets/project-secrets.ts');
  const { makeKey } = await import('../../../processes/secrets/keys.ts');
  const { keys } = openProject(process.cwd(), io.now);
  const { recipient } = await makeKey(keys, classic ? 'classic' : 'hybrid', io.now());
  note(io, `The key is in ${keys.file}. Keep a copy of it: without a key, nothing opens the secrets.`);
  if (keys.key !== undefined)
    note(io, 'warning: LSH_SECRETS_KEY is set, and replaces the keys of that file.');
  print(io, recipient);
}

export function addGenerate(key: Command, context: Context): void {
  const command = key
    .command('generate')
    .description(
      'Make a key and add it to your keys; older keys stay and open older versions. Prints the recipient, its public part.',
    )
    .option('--classic', 'an X25519 key, which age before 1.3 reads, in place of a post-quantum one')
    .action((flags: { classic?: boolean }) => generate(context, flags));
  withExamples(command, ['lsh key generate', 'Make a post-quantum key (ML-KEM-768 with X25519)']);
}

async function show({ io }: Context, { output }: { output?: Format }): Promise<void> {
  const { openProject } = await import('../../../processes/secrets/project-secrets.ts');
  const { ownRecipients, ownRecipient } = await import('../../../processes/secrets/keys.ts');
  const { keys } = openProject(process.cwd(), io.now);
  const recipient = await ownRecipient(keys);
  const place = keys.key === undefined ? keys.file : 'LSH_SECRETS_KEY';
  if (output === 'json' || output === 'yaml')
    return printDocument(io, { place, recipients: await ownRecipients(keys) }, output);
  note(io, `The keys are in ${place}. This is the public part of the newest, which others may know:`);
  print(io, recipient);
}

export function addShow(key: Command, context: Context): void {
  const command = key
    .command('show')
    .description('Print the recipient of your newest key, for a teammate. Never prints a key.')
    .addOption(formatOption('json', 'yaml'))
    .action((flags: { output?: Format }) => show(context, flags));
  withExamples(command, ['lsh key show', 'Print what a teammate needs to add you']);
}
