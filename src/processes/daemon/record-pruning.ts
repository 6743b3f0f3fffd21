// Deletes old records of runs and slots with the logs of these runs, and old logs beyond the size of all together.
import type { RunStore } from '../../contracts/stores.ts';
import type { Clock, Logger } from '../../control/ports.ts';
import { every } from './every.ts';

export interface PruningOptions {
  store: Pick<RunStore, 'prune'>;
  /** Deletes the log of a run. */
  removeLog: (run: string) => void;
  clock: Clock;
  log: Logger;
  /** Finished runs and slots older than this many days are deleted. */
  retentionDays: number;
}

export interface LogTrimmingOptions {
  /** Deletes the oldest logs of finished runs beyond the size; resolves with their number. */
  trimLogs: (maxBytes: number) => Promise<number>;
  clock: Clock;
  log: Logger;
  /** Most bytes of all logs together. */
  maxBytes: number;
}

const HOUR_MS = 3_600_000;
const TEN_MINUTES_MS = 600_000;
const DAY_MS = 24 * HOUR_MS;
/** Delay of the first pruning, milliseconds, so that it does not slow the start. */
const FIRST_MS = 60_000;

/** Prunes until the returned function is called. */
export function pruneHourly({ store, removeLog, clock, log, retentionDays }: PruningOptions): () => void {
  return every({
    clock,
    firstMs: FIRST_MS,
    intervalMs: HOUR_MS,
    work: async () => {
      const runs = await store.prune(clock.now() - retentionDays * DAY_MS);
      for (const run of runs) removeLog(run);
      if (runs.length > 0) log.info({ runs: runs.length }, 'old records pruned');
    },
    onError: (error) => log.error({ err: error }, 'old records not pruned'),
  });
}

/** Trims until the returned function is called. */
export function trimLogs({ trimLogs: trim, clock, log, maxBytes }: LogTrimmingOptions): () => void {
  return every({
    clock,
    firstMs: FIRST_MS,
    intervalMs: TEN_MINUTES_MS,
    work: async () => {
      const logs = await trim(maxBytes);
      if (logs > 0)
        log.info({ logs, maxBytes }, 'old output deleted: all output together exceeded LSH_MAX_LOG_BYTES');
    },
    onError: (error) => log.error({ err: error }, 'old output not deleted'),
  });
}
