// Restores the socket after a logout has emptied its directory. The daemon gets no notice of that, so it checks; it
// would be unreachable otherwise.
import { existsSync } from 'node:fs';
import type { Clock, Logger } from '../../control/ports.ts';
import { ensureDirectories, type LocalPaths } from '../../local/paths.ts';
import type { DaemonServer } from '../../local/socket/server.ts';
import { every } from './every.ts';

export interface SocketKeepingOptions {
  server: Pick<DaemonServer, 'restore'>;
  paths: LocalPaths;
  clock: Clock;
  log: Logger;
}

/** Longest time that the daemon is unreachable after its socket is removed, milliseconds. */
const CHECK_MS = 2_000;

/** Keeps the socket until the returned function is called. */
export function keepSocket({ server, paths, clock, log }: SocketKeepingOptions): () => void {
  return every({
    clock,
    firstMs: CHECK_MS,
    intervalMs: CHECK_MS,
    work: async () => {
      if (existsSync(paths.socket)) return;
      ensureDirectories(paths);
      if (await server.restore())
        log.warn({ socket: paths.socket }, 'the socket was removed and is restored');
    },
    onError: (error) => log.warn({ err: error }, 'the socket was removed and cannot be restored yet'),
  });
}
