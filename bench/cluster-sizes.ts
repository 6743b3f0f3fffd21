// Sizes and measurements of the cluster bench.

/** Numbers of LshJobs or CronJobs due in the same minute. */
export const DUE = 1_000;
export const MORE_DUE = 5_000;
/** Number of all jobs in the scene where only FEW are due. */
export const MANY = 10_000;
export const FEW = 20;
export const MINUTE = 60_000;

/** Measurements of many jobs due in one minute. */
export interface Due {
  count: number;
  /** Lag of each Job behind the minute, milliseconds. */
  lags: number[];
  /** Memory of the controller. */
  rssMb: number;
  /** CPU of the controller for the Jobs and for what it writes about them, milliseconds. */
  cpuMs: number;
}

/** Measurements of ten thousand jobs of which twenty are due. */
export interface Many {
  lags: number[];
  rssMb: number;
  /** CPU of a minute without work, milliseconds. */
  idleCpuMs: number;
}
