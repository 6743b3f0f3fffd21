// Deletes old records of runs and slots, and the logs of these runs, once an hour.
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

const HOUR_MS = 3_600_000;
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
