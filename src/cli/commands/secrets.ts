// `lsh secrets`: the verbs about the variables and the versions of an environment.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCommands, type Commands, type Wanted } from '../define.ts';

const VERBS: Commands = {
  run: async () => (await import('./secrets/run.ts')).addRun,
  list: async () => (await import('./secrets/list.ts')).addList,
  get: async () => (await import('./secrets/list.ts')).addGet,
  set: async () => (await import('./secrets/set.ts')).addSet,
  unset: async () => (await import('./secrets/set.ts')).addUnset,
  rotate: async () => (await import('./secrets/rotate.ts')).addRotate,
  history: async () => (await import('./secrets/versions.ts')).addHistory,
  rollback: async () => (await import('./secrets/versions.ts')).addRollback,
  audit: async () => (await import('./secrets/versions.ts')).addAudit,
  trust: async () => (await import('./secrets/versions.ts')).addTrust,
  import: async () => (await import('./secrets/move.ts')).addImport,
  export: async () => (await import('./secrets/move.ts')).addExport,
  scan: async () => (await import('./secrets/move.ts')).addScan,
};

export async function addSecrets(program: Command, context: Context, below: Wanted): Promise<void> {
  const secrets = program
    .command('secrets')
    .helpCommand(false)
    .description(
      'Variables and versions of encrypted environments. `lsh push` and `lsh pull` move whole files.',
    );
  await addCommands(secrets, context, VERBS, below);
}
