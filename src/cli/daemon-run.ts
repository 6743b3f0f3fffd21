// `lsh daemon run` without the rest of the command line: what lives for months should not carry what a person
// types.
import { runDaemon } from '../processes/daemon/daemon.ts';
import { report } from './failure.ts';
import { processIo, type Io } from './io.ts';

/** Runs the daemon in the foreground until it is told to end; answers with the exit status. */
export async function daemonRun(io: Io = processIo): Promise<number> {
  try {
    return await runDaemon();
  } catch (error) {
    return report(io, error);
  }
}
