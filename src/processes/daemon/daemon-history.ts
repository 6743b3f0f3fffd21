// The team's history of a daemon: its jobs, their runs, and who changed them. What is wrong with it never keeps a job from running.
import { hostname } from 'node:os';
import type { Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import { readRoster, type RosterReading } from '../../control/history/read-roster.ts';
import type { HistoryStanding } from '../../control/history/sender.ts';
import { oldestAfter, StoredOutbox } from '../../control/history/stored-outbox.ts';
import type { Logger } from '../../control/ports.ts';
import { toLshError } from '../../core/errors.ts';
import type { DaemonStatus } from '../../local/socket/protocol.ts';
import type { SqliteStore } from '../../stores/sqlite/sqlite-store.ts';
import { teamHistory, type RunFacts } from '../supabase/team-history.ts';
import { teamOf } from '../supabase/writer.ts';

export interface DaemonHistory {
  /** The outbox may have new entries. */
  wake(): void;
  /** For `lsh daemon status`. */
  standing(): NonNullable<DaemonStatus['history']>;
  /** Starts no further write. Call it before the store closes. */
  close(): void;
}

interface DaemonHistoryOptions extends RunFacts {
  config: Config;
  store: SqliteStore;
  logger: Logger;
}

/** Changes enter the outbox from now on. Without the key they do not: the daemon runs without a history and says why. */
export function openDaemonHistory({
  config,
  store,
  logger,
  ...facts
}: DaemonHistoryOptions): DaemonHistory | undefined {
  const url = config.supabaseUrl;
  if (url === undefined) return undefined;
  try {
    const home = { id: store.originId(), kind: 'Host', name: hostname() } as const;
    const history = teamHistory(config, home, facts)!;
    const outbox = new StoredOutbox({ history, clock: systemClock, logger, store: store.outbox });
    store.enterJobs(`${url} ${teamOf(config)}`);
    store.record();
    const cancelComparison = compareJobs({ roster: history, clock: systemClock, logger }, store, outbox);
    return {
      wake: () => outbox.wake(),
      standing: () => shown(url, outbox.standing()),
      close: () => {
        cancelComparison();
        outbox.close();
      },
    };
  } catch (thrown) {
    const { reason, message, hint } = toLshError(thrown);
    logger.warn({ reason, detail: message, hint }, 'the team’s history is off');
    store.enterJobs(undefined);
    const left = { backlog: store.outbox.count(0), oldestAt: oldestAfter(store.outbox, 0) };
    const standing = shown(url, { ...left, trouble: { reason, message, hint } });
    return { wake: () => undefined, standing: () => standing, close: () => undefined };
  }
}

function shown(
  url: string,
  { oldestAt, ...standing }: HistoryStanding,
): NonNullable<DaemonStatus['history']> {
  return { url, ...standing, ...(oldestAt !== undefined && { oldestAt: new Date(oldestAt).toISOString() }) };
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
