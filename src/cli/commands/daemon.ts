// `lsh daemon`: the verbs about the local daemon itself.
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCommands, type Commands, type Wanted } from '../define.ts';

const VERBS: Commands = {
  start: async () => (await import('./daemon/life.ts')).addStart,
  stop: async () => (await import('./daemon/life.ts')).addStop,
  restart: async () => (await import('./daemon/life.ts')).addRestart,
  status: async () => (await import('./daemon/status.ts')).addStatus,
  metrics: async () => (await import('./daemon/metrics.ts')).addMetrics,
  logs: async () => (await import('./daemon/logs.ts')).addLogs,
  run: async () => (await import('./daemon/life.ts')).addRun,
  cleanup: async () => (await import('./daemon/cleanup.ts')).addCleanup,
  install: async () => (await import('./daemon/service.ts')).addInstall,
  uninstall: async () => (await import('./daemon/service.ts')).addUninstall,
};

export async function addDaemon(program: Command, context: Context, below: Wanted): Promise<void> {
  const daemon = program
    .command('daemon')
    .helpCommand(false)
    .description('Start, stop and inspect the local daemon, which runs your jobs.');
  await addCommands(daemon, context, VERBS, below);
}
