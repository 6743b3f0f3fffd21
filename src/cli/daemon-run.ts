// `lsh daemon run` without the rest of the command line, so that the daemon keeps less code in memory for months.
import { toLshError } from '../core/errors.ts';
import { runDaemon } from '../processes/daemon/daemon.ts';
import { report } from './failure.ts';
import { processIo, type Io } from './io.ts';

/** Runs the daemon in the foreground until a signal stops it. Returns the exit status. */
export async function daemonRun(io: Io = processIo): Promise<number> {
  // In the background, the parent process and the log get the error; stderr is for crashes of Node.
  const background = process.connected;
  try {
    return await runDaemon();
  } catch (error) {
    return background ? toLshError(error).exitStatus : report(io, error);
  }
}
