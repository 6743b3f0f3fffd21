// `lsh daemon`: the verbs about the local daemon itself.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCleanup } from './daemon/cleanup.ts';
import { addRestart, addRun, addStart, addStop } from './daemon/life.ts';
import { addLogs } from './daemon/logs.ts';
import { addInstall, addUninstall } from './daemon/service.ts';
import { addStatus } from './daemon/status.ts';

export function addDaemon(program: Command, context: Context): void {
  const daemon = program
    .command('daemon')
    .helpCommand(false)
    .description('Start, stop and inspect the local daemon, which runs your jobs.');
  const verbs = [
    addStart,
    addStop,
    addRestart,
    addStatus,
    addLogs,
    addRun,
    addCleanup,
    addInstall,
    addUninstall,
  ];
  for (const add of verbs) add(daemon, context);
}
