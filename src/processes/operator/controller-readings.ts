// Metrics that are read at each scrape: leadership, queue, active runs, and the health of the watches.
import { systemClock } from '../../control/clock.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { ClusterScheduler } from './cluster-scheduler.ts';
import type { WatchReading } from './cluster-watches.ts';

/** The state of a controller now. */
export interface Standing {
  readonly leads: boolean;
  /** Undefined unless it leads. */
  readonly scheduler: ClusterScheduler | undefined;
  /** The watches of the leader, or of a standby. */
  readonly watches: readonly WatchReading[];
}

const CONTROLLER = { controller: 'lshjob' };
const RESOURCES = ['lshjobs', 'jobs', 'pods'];

/** Adds every reading. */
export function addReadings(metrics: Metrics, standing: Standing, workers: number): void {
  const one = (value: number, labels: Record<string, string> = {}) => [{ labels, value }];
  const watches = (value: (watch: WatchReading) => number) => () => {
    const watched = standing.watches;
    if (watched.length === 0) return RESOURCES.map((resource) => ({ labels: { resource }, value: 0 }));
    return watched.map((watch) => ({ labels: { resource: watch.resource }, value: value(watch) }));
  };
  metrics.add({
    name: 'leader_election_master_status',
    help: 'Whether this process leads.',
    read: () => one(standing.leads ? 1 : 0, { name: 'lsh-controller' }),
  });
  metrics.add({
    name: 'workqueue_depth',
    help: 'Keys that are ready and wait for a worker.',
    read: () => one(standing.scheduler?.depth ?? 0, { name: 'lshjob' }),
  });
  metrics.add({
    name: 'controller_runtime_active_workers',
    help: 'Keys that are being reconciled.',
    read: () => one(standing.scheduler?.working ?? 0, CONTROLLER),
  });
  metrics.add({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Keys that may be reconciled at the same time.',
    read: () => one(workers, CONTROLLER),
  });
  metrics.add({
    name: 'lsh_active_runs',
    help: 'Runs that have not ended.',
    read: () => one(standing.scheduler?.activeRuns ?? 0),
  });
  metrics.add({
    name: 'lsh_stuck_runs',
    help: 'Runs whose command cannot begin: no Pod, or no image, volume or node for it.',
    read: () => one(standing.scheduler?.stuckRuns ?? 0),
  });
  metrics.add({
    name: 'lsh_notices_waiting',
    help: 'Notices that channels have still to hear of.',
    read: () => one(standing.scheduler?.waitingNotices ?? 0),
  });
  metrics.add({
    name: 'lsh_history_backlog',
    help: 'Finished runs and changes of jobs that the team’s history lacks.',
    read: () => one(standing.scheduler?.historyStanding?.backlog ?? 0),
  });
  metrics.add({
    name: 'lsh_history_oldest_age_seconds',
    help: 'Time since the oldest run or change that the team’s history lacks.',
    read: () => {
      const oldestAt = standing.scheduler?.historyStanding?.oldestAt;
      return one(oldestAt === undefined ? 0 : Math.max(0, systemClock.now() - oldestAt) / 1000);
    },
  });
  metrics.add({
    name: 'lsh_watch_last_event_age_seconds',
    help: 'Time since a watch last received data from the API server.',
    read: watches(({ lastEventAgeMs }) => lastEventAgeMs / 1000),
  });
  metrics.add({
    name: 'lsh_watch_blind_seconds_total',
    help: 'All time without a working watch.',
    total: true,
    read: watches(({ blindMs }) => blindMs / 1000),
  });
  metrics.add({
    name: 'lsh_watch_unreadable_events_total',
    help: 'Events that were not JSON; each led to a new list.',
    total: true,
    read: watches(({ parseErrors }) => parseErrors),
  });
  metrics.add({
    name: 'lsh_watch_handler_errors_total',
    help: 'Changes on which a handler of the controller threw.',
    total: true,
    read: watches(({ handlerErrors }) => handlerErrors),
  });
}
