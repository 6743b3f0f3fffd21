// `lsh secrets`: the verbs about the variables and the versions of an environment.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addGet, addList } from './secrets/list.ts';
import { addExport, addImport, addScan } from './secrets/move.ts';
import { addAudit, addHistory, addRollback, addTrust } from './secrets/versions.ts';
import { addRun } from './secrets/run.ts';
import { addSet, addUnset } from './secrets/set.ts';

export function addSecrets(program: Command, context: Context): void {
  const secrets = program
    .command('secrets')
    .helpCommand(false)
    .description(
      'Variables and versions of encrypted environments. `lsh push` and `lsh pull` move whole files.',
    );
  for (const add of [
    addRun,
    addList,
    addGet,
    addSet,
    addUnset,
    addHistory,
    addRollback,
    addAudit,
    addTrust,
    addImport,
    addExport,
    addScan,
  ])
    add(secrets, context);
}
