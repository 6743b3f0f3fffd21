// Connects the command line to the jobs of the local daemon.
import { resolve } from 'node:path';
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

export interface Silence {
  /** The process of the daemon, if it is known. */
  pid: number | undefined;
  /** Whether a signal has stopped the process. */
  stopped: boolean;
  /** How long the client waits in all, in milliseconds; undefined if it waits for a run. */
  timeoutMs: number | undefined;
}

/** A client of this user’s daemon. Each call connects. Calls `onSilence` when an answer is 2 s late. */
export function connectLocal(
  paths: LocalPaths = pathsFromConfig(),
  onSilence?: (silence: Silence) => void,
): JobApi & DaemonApi {
  return daemonClient(paths.socket, {
    version: VERSION,
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
