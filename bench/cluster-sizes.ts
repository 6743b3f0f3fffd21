// How much of everything the cluster's bench has, and what it takes down of it.

/** LshJobs, or CronJobs, due in the same minute. */
export const DUE = 1_000;
/** Of them in all where few are due. */
export const MANY = 10_000;
export const FEW = 20;
export const MINUTE = 60_000;

/** A thousand due in one minute. */
export interface Due {
  /** Milliseconds by which each Job was behind the minute. */
  lags: number[];
  /** Of the controller. */
  rssMb: number;
  /** CPU of the controller meanwhile, milliseconds. */
  cpuMs: number;
}

/** Twenty due of ten thousand. */
export interface Many {
  lags: number[];
  rssMb: number;
  /** CPU of a minute without work, milliseconds. */
  idleCpuMs: number;
}
