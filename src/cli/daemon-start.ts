// `lsh daemon start` without the rest of the command line, whose loading would take a tenth of the start.
import { EXIT } from '../core/errors.ts';
import { spawnDaemon } from '../local/lifecycle/spawn-daemon.ts';
import { daemonRunCommand } from '../processes/launcher.ts';
import { pathsFromConfig } from '../processes/local-jobs.ts';
import { report } from './failure.ts';
import { processIo, type Io } from './io.ts';
import { localApi } from './local-api.ts';
import { print } from './output/print.ts';
import { withProgress } from './output/progress.ts';

/** Starts the daemon in the background. Returns the exit status. */
export async function daemonStart(io: Io = processIo): Promise<number> {
  try {
    await startDaemon(io);
    return EXIT.ok;
  } catch (error) {
    return report(io, error);
  }
}

/** Starts the daemon, waits until it answers, and says so. Throws DAEMON_START_FAILED, or the error of the daemon. */
export async function startDaemon(io: Io): Promise<void> {
  const paths = pathsFromConfig();
  const work = spawnDaemon({ paths, command: daemonRunCommand(), client: localApi(io, paths) });
  const { pid, started } = await withProgress(io, 'daemon starting', work);
  print(io, started ? `daemon started (process ${pid})` : `daemon is already running (process ${pid})`);
}
