// One row of the bench: a figure, its peers from the same run, and its budget.

export interface Row {
  name: string;
  value: number;
  unit: string;
  /** Other programs that do the same, measured in the same run. */
  peers: { name: string; value: number }[];
  /** The budget in words. */
  budget: string;
  ok: boolean;
}

/** The value below which `share` (0 to 1) of the samples lie. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

/** How long the work takes, milliseconds. */
export function timeMs(work: () => unknown): number {
  const before = performance.now();
  work();
  return performance.now() - before;
}
