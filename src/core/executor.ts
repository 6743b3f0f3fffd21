// The executors that a job can name. How each of them behaves stands on its runner (RunnerTraits).

/** Where a job lives; the two differ in defaults and in what they admit, never in meaning. */
export type Platform = 'local' | 'cluster';

interface ExecutorPlace {
  platforms: readonly Platform[];
  /** Whether a run is a Pod, which spec.job describes and whose log outlives the command. */
  hasPod: boolean;
}

export const EXECUTORS = {
  Shell: { platforms: ['local', 'cluster'], hasPod: false },
  Job: { platforms: ['cluster'], hasPod: true },
} as const satisfies Record<string, ExecutorPlace>;

export type Executor = keyof typeof EXECUTORS;

export const EXECUTOR_NAMES = Object.keys(EXECUTORS) as [Executor, ...Executor[]];

/** What the decision must know of a runner; each runner states its own. */
export interface RunnerTraits {
  /**
   * What guarantees that a run starts once. `ledger`: the run must be recorded as Running before start().
   * `name`: start() itself is refused for a name that exists, so it may come before the record.
   */
  claim: 'ledger' | 'name';
  /** The executor ends a run at its timeoutSeconds by itself, as Kubernetes does; otherwise the loop does. */
  keepsTimeout: boolean;
  /** A run is a process of one host, which its record names. */
  hasHost: boolean;
  /**
   * What a run leaves behind is an object that costs quota while it exists, so that its removal is requested again
   * at each evaluation; otherwise it is requested once.
   */
  leavesObject: boolean;
}

/** An executor without a runner here: its runs are in the ledger, and nothing can be started or stopped. */
export const NO_RUNNER: RunnerTraits = {
  claim: 'ledger',
  keepsTimeout: false,
  hasHost: false,
  leavesObject: false,
};
