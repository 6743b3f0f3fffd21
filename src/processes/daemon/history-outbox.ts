// The outbox of a daemon with its Supabase project. A file of its own, because loading it takes as long as a command.
import { hostname } from 'node:os';
import type { Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import { readRoster, type RosterReading } from '../../control/history/read-roster.ts';
import { StoredOutbox } from '../../control/history/stored-outbox.ts';
import type { HistoryStanding } from '../../control/history/sender.ts';
import type { Logger } from '../../control/ports.ts';
import type { SqliteStore } from '../../stores/sqlite/sqlite-store.ts';
import { teamHistory, type RunFacts } from '../supabase/team-history.ts';

export interface HistoryOutboxOptions extends RunFacts {
  config: Config;
  store: SqliteStore;
  logger: Logger;
}

export interface HistoryOutbox {
  wake(): void;
  standing(): HistoryStanding;
  /** Starts no further write. */
  close(): void;
}

/** Begins to write what the outbox holds. Throws ENVIRONMENT_INVALID if the project lacks its key. */
export function openHistoryOutbox({ config, store, logger, ...facts }: HistoryOutboxOptions): HistoryOutbox {
  const home = { id: store.originId(), kind: 'Host', name: hostname() } as const;
  const history = teamHistory(config, home, facts)!;
  const outbox = new StoredOutbox({ history, clock: systemClock, logger, store: store.outbox });
  const cancelComparison = compareJobs({ roster: history, clock: systemClock, logger }, store, outbox);
  outbox.wake();
  return {
    wake: () => outbox.wake(),
    standing: () => outbox.standing(),
    close: () => {
      cancelComparison();
      outbox.close();
    },
  };
}

/** A job that was removed while no project was set is removed there, too. */
function compareJobs(reading: RosterReading, store: SqliteStore, outbox: StoredOutbox): () => void {
  if (!store.isUncompared) return () => undefined;
  return readRoster(reading, (jobs) => {
    const shown = jobs.filter(({ isRemoved }) => !isRemoved);
    store.compareJobs(shown).then(
      () => outbox.wake(),
      (err: unknown) => reading.logger.warn({ err }, 'removed jobs were not recorded'),
    );
  });
}
