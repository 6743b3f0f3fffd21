// `lsh daemon install|uninstall`: let the system start the daemon at login.
import type { Command } from 'commander';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import type { InstallFlags } from './install-service.ts';

export function addInstall(daemon: Command, context: Context): void {
  const command = daemon
    .command('install')
    .description('Make systemd (Linux) or launchd (macOS) start the daemon now and at each login.')
    .option('--no-now', 'write the file only, and print the remaining commands')
    .option('--print', 'print the file and write nothing')
    .action(async (flags: InstallFlags) => {
      const { install } = await import('./install-service.ts');
      await install(context, flags);
    });
  withExamples(
    command,
    ['lsh daemon install', 'Write, enable and start the service'],
    ['lsh daemon install --print', 'Print the service file'],
  );
}

export function addUninstall(daemon: Command, context: Context): void {
  const command = daemon
    .command('uninstall')
    .description('Stop the service and remove its file. Jobs and history stay.')
    .action(async () => {
      const { uninstall } = await import('./install-service.ts');
      await uninstall(context);
    });
  withExamples(command, ['lsh daemon uninstall', 'Undo `lsh daemon install`']);
}
