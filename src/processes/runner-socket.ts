// The socket of `lsh runner`, for the processes that connect to it.
import { socketFault } from '../local/socket/trust.ts';
import type { RunnerSocket } from '../runners/remote/runner-link.ts';

/** In a cluster the runner is another user than the controller, and shares with it the group of the socket. */
export function runnerSocket(path: string): RunnerSocket {
  const trust = { uid: process.getuid?.() ?? 0, groups: process.getgroups?.() ?? [] };
  return { socketPath: path, socketFault: () => socketFault(path, trust) };
}
