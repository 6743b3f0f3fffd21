// The metrics, with the names of controller-runtime and client-go where they exist. The only importer of prom-client.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Meter, Recorded } from '../control/ports.ts';
import { isFinished, type Run } from '../core/run.ts';

/** A value that each scrape reads anew. */
export interface Reading {
  name: string;
  help: string;
  /** Marks a counter: the value never falls. */
  total?: true;
  read: () => { labels?: Record<string, string>; value: number }[];
}

const CONTROLLER = { controller: 'lshjob' };
const QUEUE = { name: 'lshjob' };
const LAG_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const TIME_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Metrics implements Meter {
  readonly #registry = new Registry();
  readonly #counters = {
    reconciles: this.#counter('controller_runtime_reconcile_total', 'Reconciles by result.', [
      'controller',
      'result',
    ]),
    errors: this.#counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed.', [
      'controller',
    ]),
    adds: this.#counter('workqueue_adds_total', 'Keys that became ready for a worker.', ['name']),
    retries: this.#counter('workqueue_retries_total', 'Keys that came back after a failure.', ['name']),
    requests: this.#counter('rest_client_requests_total', 'Calls to the API server.', ['code', 'method']),
    runs: this.#counter('lsh_runs_total', 'Runs that ended.', ['phase', 'executor']),
    missed: this.#counter('lsh_slots_missed_total', 'Slots that passed without a run.', ['cause']),
    notices: this.#counter('lsh_notices_total', 'Notices that channels took, or did not take.', [
      'channel',
      'result',
    ]),
  };
  readonly #reconcileTime = this.#histogram(
    'controller_runtime_reconcile_time_seconds',
    'Duration of reconciles.',
    { labelNames: ['controller'], buckets: TIME_BUCKETS },
  );
  readonly #startLag = this.#histogram(
    'lsh_run_start_lag_seconds',
    'Delay between the slot of a run and its start.',
    {
      labelNames: ['executor'],
      buckets: LAG_BUCKETS,
    },
  );

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  reconciled(result: 'success' | 'error' | 'conflict', tookMs: number): void {
    this.#counters.reconciles.inc({ ...CONTROLLER, result });
    if (result === 'error') this.#counters.errors.inc(CONTROLLER);
    this.#reconcileTime.observe(CONTROLLER, tookMs / 1000);
  }

  queued(again: boolean): void {
    this.#counters.adds.inc(QUEUE);
    if (again) this.#counters.retries.inc(QUEUE);
  }

  started({ executor }: Run, lagMs: number): void {
    this.#startLag.observe({ executor }, Math.max(0, lagMs) / 1000);
  }

  /** Counts the ends of runs and the slots without one. */
  recorded({ change: { runs, slots } }: Recorded): void {
    for (const run of runs) {
      if (isFinished(run)) this.#counters.runs.inc({ phase: run.phase, executor: run.executor });
    }
    for (const { outcome, cause, count } of slots) {
      // The cause of Excluded names a calendar, and labels must not grow with the names that users give.
      const label = outcome === 'Excluded' ? outcome : (cause ?? outcome);
      if (outcome !== 'Ran') this.#counters.missed.inc({ cause: label }, count);
    }
  }

  /** Counts notices: the channel took them, or they are dead letters. */
  told(channel: string, result: 'delivered' | 'dead', count: number): void {
    this.#counters.notices.inc({ channel, result }, count);
  }

  /** Counts one answer of the API server. */
  requested(method: string, code: number): void {
    this.#counters.requests.inc({ method, code });
  }

  /** Registers a value that each scrape reads. */
  add({ name, help, total, read }: Reading): void {
    const labelNames = Object.keys(read()[0]?.labels ?? {});
    const registers = [this.#registry];
    if (total) {
      const counter = new Counter({
        name,
        help,
        labelNames,
        registers,
        collect: () => {
          counter.reset();
          for (const { labels = {}, value } of read()) counter.inc(labels, value);
        },
      });
    } else {
      const gauge = new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect: () => {
          for (const { labels = {}, value } of read()) gauge.set(labels, value);
        },
      });
    }
  }

  /** All metrics in the text format of Prometheus. */
  async text(): Promise<{ type: string; body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #counter<const L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #histogram<const L extends string>(
    name: string,
    help: string,
    options: { labelNames: readonly L[]; buckets: number[] },
  ): Histogram<L> {
    const { labelNames, buckets } = options;
    return new Histogram({ name, help, labelNames: [...labelNames], buckets, registers: [this.#registry] });
  }
}
