// Deletes history that is older than the user wants to keep, once an hour, with the logs that belong to it.
import type { RunStore } from '../../contracts/stores.ts';
import type { Clock, Logger } from '../../control/ports.ts';
import { every } from './every.ts';

export interface PruningOptions {
  store: Pick<RunStore, 'prune'>;
  /** Deletes the kept output of a run. */
  removeLog: (run: string) => void;
  clock: Clock;
  log: Logger;
  /** Finished runs and slots older than this many days go. */
  historyDays: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Not at once: a start has better things to do. */
const FIRST_MS = 60_000;

/** Prunes until the returned function is called. */
export function pruneHourly({ store, removeLog, clock, log, historyDays }: PruningOptions): () => void {
  return every({
    clock,
    firstMs: FIRST_MS,
    intervalMs: HOUR_MS,
    work: async () => {
      const runs = await store.prune(clock.now() - historyDays * DAY_MS);
      for (const run of runs) removeLog(run);
      if (runs.length > 0) log.info({ runs: runs.length }, 'old history pruned');
    },
    onError: (error) => log.error({ err: error }, 'history was not pruned'),
  });
}
