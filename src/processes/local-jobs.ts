// The way to the jobs of the local daemon: settings, paths, client.
import { loadConfig } from '../config.ts';
import type { JobApi } from '../contracts/job-api.ts';
import { daemonClient } from '../local/socket/client.ts';
import { localPaths, type LocalPaths } from '../local/paths.ts';
import type { DaemonApi } from '../local/socket/protocol.ts';
import { VERSION } from '../version.ts';

/** Where the daemon of this user keeps its files. */
export function pathsFromConfig(): LocalPaths {
  return localPaths(loadConfig());
}

/** A client of the daemon of this user; connects with each call. */
export function connectLocal(paths: LocalPaths = pathsFromConfig()): JobApi & DaemonApi {
  return daemonClient(paths.socket, { version: VERSION });
}
