// The API of this user's daemon, with a note on stderr while the daemon stays silent.
import { formatDuration } from '../core/duration.ts';
import type { JobApi } from '../contracts/job-api.ts';
import type { LocalPaths } from '../local/paths.ts';
import type { DaemonApi } from '../local/socket/protocol.ts';
import { connectLocal, type Silence } from '../processes/local-jobs.ts';
import type { Io } from './io.ts';
import { note } from './output/print.ts';

/** Connects with each call. */
export function localApi(io: Io, paths?: LocalPaths): JobApi & DaemonApi {
  return connectLocal(paths, (silence) => note(io, silenceNote(silence)));
}

function silenceNote({ pid, stopped, timeoutMs }: Silence): string {
  const daemon = pid === undefined ? 'the daemon' : `the daemon (process ${pid})`;
  const state = stopped ? `; its process is stopped, and \`kill -CONT ${pid}\` continues it` : '';
  const limit = timeoutMs === undefined ? '' : ` (limit: ${formatDuration(timeoutMs)})`;
  return `waiting: ${daemon} has not answered for 2 s${state}${limit}`;
}
