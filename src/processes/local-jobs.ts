// Connects the command line to the jobs of the local daemon.
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig, type Config } from '../config.ts';
import type { JobApi } from '../contracts/job-api.ts';
import { readRecord } from '../local/daemon-record.ts';
import { isStopped } from '../local/lifecycle/process-state.ts';
import { daemonClient } from '../local/socket/client.ts';
import { localPaths, type LocalPaths } from '../local/paths.ts';
import type { DaemonApi } from '../local/socket/protocol.ts';
import { VERSION } from '../version.ts';

/** The paths of this user’s daemon. */
export function pathsFromConfig(): LocalPaths {
  return localPaths(loadConfig());
}

/** The directory of the calendars of this user’s jobs. */
export function calendarDirectory({ stateDir }: Pick<LocalPaths, 'stateDir'>): string {
  return join(stateDir, 'calendars');
}

export interface Silence {
  /** The process of the daemon, if it is known. */
  pid: number | undefined;
  /** Whether a signal has stopped the process. */
  stopped: boolean;
  /** How long the client waits in all, in milliseconds; undefined if it waits for a run. */
  timeoutMs: number | undefined;
}

/**
 * The user whose daemon this process may use, by number: its own. Root may choose another: the owner of a directory that
 * LSH_STATE_DIR or LSH_RUNTIME_DIR names.
 */
export function daemonOwner({ stateDir, runtimeDir }: Config): number {
  const user = process.getuid?.() ?? 0;
  const named = stateDir ?? runtimeDir;
  if (user !== 0 || named === undefined) return user;
  return statSync(named, { throwIfNoEntry: false })?.uid ?? user;
}

/** A client of this user’s daemon. Each call connects. Calls `onSilence` when an answer is 2 s late. */
export function connectLocal(
  chosen: LocalPaths | undefined,
  onSilence?: (silence: Silence) => void,
): JobApi & DaemonApi {
  const config = loadConfig();
  const paths = chosen ?? localPaths(config);
  return daemonClient(paths.socket, {
    version: VERSION,
    owner: daemonOwner(config),
    recordedSocket: () => readRecord(paths)?.socket,
    onSilence: (timeoutMs) => {
      const pid = readRecord(paths)?.pid;
      onSilence?.({ pid, stopped: pid !== undefined && isStopped(pid), timeoutMs });
    },
  });
}

/** The environment of commands that reach the daemon of this configuration, or become it. */
export function daemonEnvironment({ inherited, stateDir, runtimeDir }: Config): Record<string, string> {
  return {
    ...inherited,
    ...(stateDir && { LSH_STATE_DIR: resolve(stateDir) }),
    ...(runtimeDir && { LSH_RUNTIME_DIR: resolve(runtimeDir) }),
  };
}
