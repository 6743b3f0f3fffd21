// What /metrics reads from a controller when it is asked: who leads, what waits, what is active, how far the
// watches can be trusted.
import type { Metrics } from '../../telemetry/metrics.ts';
import type { ClusterScheduler } from './cluster-scheduler.ts';
import type { WatchReading } from './cluster-watches.ts';

/** How a controller stands now. */
export interface Standing {
  readonly leads: boolean;
  /** While it leads. */
  readonly scheduler: ClusterScheduler | undefined;
  /** Of what it leads, or would. */
  readonly watches: readonly WatchReading[];
}

const CONTROLLER = { controller: 'lshjob' };
const RESOURCES = ['lshjobs', 'jobs', 'pods'];

/** Adds them all. */
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
    name: 'lsh_history_backlog',
    help: 'Finished runs that the team’s history lacks.',
    read: () => one(standing.scheduler?.historyBacklog ?? 0),
  });
  metrics.add({
    name: 'lsh_watch_last_event_age_seconds',
    help: 'Time since the API server was last heard on a watch.',
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
    help: 'Changes at which a part of the controller threw.',
    total: true,
    read: watches(({ handlerErrors }) => handlerErrors),
  });
}
