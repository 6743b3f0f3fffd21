// The executors that a job can name. Each runner states in its traits how it behaves.

/** Where a job runs. The platforms differ in defaults and in the fields that they admit; each field means the same. */
export type Platform = 'local' | 'cluster';

interface ExecutorPlace {
  platforms: readonly Platform[];
  /** A run is a Pod: spec.job describes it, and its log outlives the command. */
  hasPod: boolean;
}

export const EXECUTORS = {
  Shell: { platforms: ['local', 'cluster'], hasPod: false },
  Job: { platforms: ['cluster'], hasPod: true },
} as const satisfies Record<string, ExecutorPlace>;

export type Executor = keyof typeof EXECUTORS;

export const EXECUTOR_NAMES = Object.keys(EXECUTORS) as [Executor, ...Executor[]];

/** How a runner behaves, as far as the decision depends on it. */
export interface RunnerTraits {
  /**
   * What keeps a run from starting twice. `ledger`: the ledger records the run as Running before start().
   * `name`: the runner refuses a name that exists, so start() comes before the record.
   */
  claim: 'ledger' | 'name';
  /** The executor enforces timeoutSeconds, as Kubernetes does. Otherwise lsh stops the run. */
  keepsTimeout: boolean;
  /** The command begins some time after start(), as in a Pod that needs a node first: the run is Pending until then. */
  startsLater: boolean;
  /** A run is a process of one host, which its record names. */
  hasHost: boolean;
  /**
   * A run leaves an object behind that costs quota, so its removal is requested at each evaluation until it is gone.
   * Otherwise the removal is requested once.
   */
  leavesObject: boolean;
}

/** Traits of an executor that has no runner in this process: the ledger shows its runs, but none can start or stop. */
export const NO_RUNNER: RunnerTraits = {
  claim: 'ledger',
  keepsTimeout: false,
  startsLater: false,
  hasHost: false,
  leavesObject: false,
};
