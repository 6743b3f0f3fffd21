// Nobody tells a daemon that a logout has emptied the directory of its socket; without a look now and then it
// would live on unreachable.
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

/** How long the daemon may be unreachable after its socket was removed, in milliseconds. */
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
      if (await server.restore()) log.warn({ socket: paths.socket }, 'the socket was gone and is back');
    },
    onError: (error) => log.warn({ err: error }, 'the socket is gone and cannot be made again yet'),
  });
}
