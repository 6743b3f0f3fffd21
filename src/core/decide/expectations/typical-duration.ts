// What durations say together: the usual one, a long one, and whether they grow.

/** Whether the newer half of the durations is a quarter longer or shorter than the older half. */
export type Trend = 'longer' | 'shorter' | 'steady';

export interface TypicalDuration {
  /** Half of the runs take at most this, milliseconds. */
  p50Ms: number;
  /** 19 of 20 runs take at most this, milliseconds. */
  p95Ms: number;
  /** Undefined below TREND_MIN durations. */
  trend?: Trend;
}

/** Fewer durations have no trend: one run would decide it. */
const TREND_MIN = 6;
const CHANGE = 1.25;

/** Of durations in milliseconds, oldest first; undefined for none. */
export function typicalDuration(durations: readonly number[]): TypicalDuration | undefined {
  if (durations.length === 0) return undefined;
  const trend = trendOf(durations);
  return {
    p50Ms: percentile(durations, 0.5),
    p95Ms: percentile(durations, 0.95),
    ...(trend && { trend }),
  };
}

function trendOf(durations: readonly number[]): Trend | undefined {
  if (durations.length < TREND_MIN) return undefined;
  const half = Math.floor(durations.length / 2);
  const older = percentile(durations.slice(0, half), 0.5);
  const newer = percentile(durations.slice(-half), 0.5);
  if (newer > older * CHANGE) return 'longer';
  return newer * CHANGE < older ? 'shorter' : 'steady';
}

/** The smallest duration that at least that share of them (0 to 1) does not exceed: the nearest rank. */
function percentile(durations: readonly number[], share: number): number {
  const sorted = durations.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}
