// `lsh daemon start|stop|restart|run`.
import type { Command } from 'commander';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { withExamples } from '../../define.ts';
import { localApi } from '../../local-api.ts';
import { print } from '../../output/print.ts';
import { withProgress } from '../../output/progress.ts';

/** Starts the daemon, and waits until it answers. */
export async function start({ io }: Context): Promise<void> {
  const { startDaemon } = await import('../../daemon-start.ts');
  await startDaemon(io);
}

/** Stops the daemon. Returns false if none runs. */
export async function stop({ io }: Context): Promise<boolean> {
  const { stopDaemon } = await import('../../../local/lifecycle/stop-daemon.ts');
  try {
    const pid = await withProgress(io, 'daemon stopping', stopDaemon(localApi(io)));
    print(io, `daemon stopped (process ${pid})`);
    return true;
  } catch (error) {
    if (error instanceof LshError && error.code === 'DAEMON_NOT_RUNNING') return false;
    throw error;
  }
}

export function addStart(daemon: Command, context: Context): void {
  const command = daemon
    .command('start')
    .description('Start the daemon in the background, and wait until it answers.')
    .action(() => start(context));
  withExamples(command, ['lsh daemon start', 'Start the daemon; a second start changes nothing']);
}

export function addStop(daemon: Command, context: Context): void {
  const command = daemon
    .command('stop')
    .description(
      'Stop the daemon, and wait until it is gone. Running jobs continue and write on; the next daemon adopts them.',
    )
    .action(async () => {
      if (!(await stop(context))) print(context.io, 'daemon is not running');
    });
  withExamples(command, [
    'lsh daemon stop',
    'Stop scheduling; at the next start, missedRunPolicy decides about the slots between',
  ]);
}

export function addRestart(daemon: Command, context: Context): void {
  const command = daemon
    .command('restart')
    .description('Stop the daemon if it runs, and start it in this version.')
    .action(async () => {
      await stop(context);
      await start(context);
    });
  withExamples(command, [
    'npm install -g @lsh/lsh && lsh daemon restart',
    'Update lsh; running jobs continue',
  ]);
}

export function addRun(daemon: Command, context: Context): void {
  const command = daemon
    .command('run')
    .description('Run the daemon in the foreground, for systemd, launchd and containers.')
    .action(async () => {
      const { daemonRun } = await import('../../daemon-run.ts');
      context.status = await daemonRun(context.io);
    });
  withExamples(command, ['lsh daemon run', 'Run until TERM or Ctrl-C']);
}
