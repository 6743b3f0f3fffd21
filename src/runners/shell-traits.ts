// What every runner of shell runs is like, whether the processes are children or behind a socket.
import type { RunnerTraits } from '../core/executor.ts';

export const SHELL_TRAITS: RunnerTraits = {
  claim: 'ledger',
  keepsTimeout: false,
  startsLater: false,
  hasHost: true,
  leavesObject: false,
};
