// `lsh key`: the keys of this user, and who can open an environment.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCommands, type Commands, type Wanted } from '../define.ts';

const VERBS: Commands = {
  generate: async () => (await import('./key/own.ts')).addGenerate,
  show: async () => (await import('./key/own.ts')).addShow,
  list: async () => (await import('./key/recipients.ts')).addRecipientList,
  'add-recipient': async () => (await import('./key/recipients.ts')).addRecipientAdd,
  'remove-recipient': async () => (await import('./key/recipients.ts')).addRecipientRemove,
  rekey: async () => (await import('./key/recipients.ts')).addRekey,
};

export async function addKey(program: Command, context: Context, below: Wanted): Promise<void> {
  const key = program
    .command('key')
    .helpCommand(false)
    .description('Your key of the secrets, and who can open an environment.');
  await addCommands(key, context, VERBS, below);
}
