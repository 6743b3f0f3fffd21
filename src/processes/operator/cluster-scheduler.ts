// The cluster's home, put together: informers, jobs, runners and loop, for as long as this process leads. The order
// of start and of stop is the point of this file.
import type { Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import { Controller } from '../../control/controller.ts';
import { HistoryOutbox } from '../../control/history-outbox.ts';
import type { RecordedListener, RunHistory, Runner } from '../../control/ports.ts';
import { Reconciler } from '../../control/reconciler.ts';
import { requireSafeCommand } from '../../core/command-check/command-check.ts';
import { LshError, toLshError } from '../../core/errors.ts';
import type { Executor } from '../../core/executor.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { Run } from '../../core/run.ts';
import type { KubeApi } from '../../kubernetes/api/fence.ts';
import type { KubeClient } from '../../kubernetes/api/client.ts';
import { EventRecorder } from '../../kubernetes/operator/event-recorder.ts';
import { KubeJobRunner } from '../../kubernetes/operator/kube-job-runner.ts';
import { LshJobSource } from '../../kubernetes/operator/lsh-job-source.ts';
import type { LshJob } from '../../kubernetes/objects/lsh-job.ts';
import { logRecorder } from '../../telemetry/log-recorder.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { clusterWatches, readingsOf, type Watches, type WatchReading } from './cluster-watches.ts';
import { commandPolicy } from '../command-policy.ts';
import type { ShellRuns } from './shell-runs.ts';

export interface ClusterSchedulerOptions {
  config: Config;
  log: Log;
  metrics: Metrics;
  client: KubeClient;
  /** The same server for the loop’s calls, whose writes end with the lease. */
  api: KubeApi;
  /** Name of this process, such as its pod’s. */
  identity: string;
  /** Undefined where shell runs are not executed. */
  shell: ShellRuns | undefined;
  /** Undefined where the ledger is all there is. */
  history: RunHistory | undefined;
}

/** Of an object of 1.5 MB at the most; the rest is for the status. */
const SPEC_MAX_BYTES = 1024 * 1024;
/** A finished Job’s name stays taken for so many lease durations: see KubeJobRunnerOptions. */
const REMOVAL_DELAY_LEASES = 2;

/** What runs between start() and stop(); one per leadership. */
export class ClusterScheduler {
  readonly #options: ClusterSchedulerOptions;
  readonly #watches: Watches;
  readonly #source: LshJobSource;
  readonly #jobRunner: KubeJobRunner;
  readonly #events: EventRecorder;
  readonly #history: HistoryOutbox | undefined;
  #controller: Controller | undefined;

  constructor(options: ClusterSchedulerOptions) {
    this.#options = options;
    const { config, api, log, identity } = options;
    this.#watches = clusterWatches(options);
    const { lshjobs, jobs, pods } = this.#watches;
    this.#source = new LshJobSource({
      api,
      informer: lshjobs,
      admit: admission(options),
      onRemoved: (key, runs) => this.#removeLogs(key, runs),
    });
    this.#jobRunner = new KubeJobRunner({
      api,
      kubeJobs: jobs,
      pendingPods: pods,
      facts: {
        phaseOf: (key, name) => this.#source.phaseOf(key, name),
        isKnown: (key) => this.#source.get(key) !== undefined,
        capturesOutput: (key) => this.#source.get(key)?.spec.captureOutput ?? false,
        runningOf: (key) =>
          this.#source
            .activeRunsOf(key)
            .filter(({ phase, executor }) => phase === 'Running' && executor === 'Job'),
      },
      defaults: { image: config.jobImage },
      clock: systemClock,
      logger: log.component('jobs'),
      removalDelayMs: REMOVAL_DELAY_LEASES * config.leaseDurationMs,
    });
    this.#events = new EventRecorder({ api, clock: systemClock, logger: log.component('events'), identity });
    const { history } = options;
    const logger = log.component('history');
    this.#history = history && new HistoryOutbox({ history, clock: systemClock, logger });
  }

  /** Resolves once every schedule is being evaluated. */
  async start(): Promise<void> {
    const since = systemClock.now();
    // Jobs are created before they are recorded, so a list of them that is read after the records has them all;
    // the other way round a run could look lost.
    const { lshjobs, jobs, pods } = this.#watches;
    await lshjobs.start();
    await Promise.all([jobs.start(), pods.start()]);
    await this.#options.shell?.recover(this.#shellRuns());
    this.#controller = this.#createController(since);
    this.#controller.start();
  }

  /** Whether every schedule is being evaluated. */
  get evaluating(): boolean {
    return this.#controller !== undefined;
  }

  get depth(): number {
    return this.#controller?.depth ?? 0;
  }

  get working(): number {
    return this.#controller?.working ?? 0;
  }

  /** Finishes what was begun; what runs goes on. */
  async stop(): Promise<void> {
    this.#history?.close();
    await this.#controller?.stop();
    // Must come after the last evaluations, which may yet ask it for a deletion that is to come later.
    this.#jobRunner.close();
    await Promise.all([this.#events.flush(), ...Object.values(this.#watches).map((watch) => watch.stop())]);
  }

  /** How far the watches can be trusted. */
  watches(): WatchReading[] {
    return readingsOf(this.#watches);
  }

  /** Finished runs that the team’s history lacks. */
  get historyBacklog(): number {
    return this.#history?.backlog ?? 0;
  }

  /** Runs that have not ended. */
  get activeRuns(): number {
    let active = 0;
    for (const key of this.#source.keys()) active += this.#source.activeRunsOf(key).length;
    return active;
  }

  /** Jobs go with their owner; of shell runs nobody can ask for the output any more. */
  #removeLogs(key: JobKey, runs: readonly Run[]): void {
    const { shell } = this.#options;
    for (const { name, executor } of runs) if (executor === 'Shell') void shell?.runner.remove?.(name, key);
  }

  #shellRuns(): Run[] {
    return [...this.#source.keys()]
      .flatMap((key) => this.#source.shownRunsOf(key))
      .filter(({ executor }) => executor === 'Shell');
  }

  #listeners(): RecordedListener[] {
    const { log, metrics } = this.#options;
    return [
      (recorded) => metrics.recorded(recorded),
      ({ change }) => this.#history?.add(change.runs),
      logRecorder(log.component('jobs')),
      (recorded) => this.#events.recorded(recorded),
    ];
  }

  #createController(evaluatingSince: number): Controller {
    const { config, log, metrics, identity, shell } = this.#options;
    const runners: Partial<Record<Executor, Runner>> = { Job: this.#jobRunner };
    if (shell) runners.Shell = shell.runner;
    const reconciler = new Reconciler({
      source: this.#source,
      ledger: this.#source,
      runners,
      onRecorded: this.#listeners(),
      history: this.#history,
      meter: metrics,
      clock: systemClock,
      evaluatingSince,
      host: identity,
    });
    return new Controller({
      source: this.#source,
      runners: Object.values(runners),
      reconciler,
      history: this.#history,
      clock: systemClock,
      logger: log.component('controller'),
      meter: metrics,
      workers: config.workers,
      evaluationIntervalMs: config.evaluationIntervalMs,
    });
  }
}

/** Why a job is not carried out here: what its schema cannot say. */
function admission({
  config,
  client,
}: ClusterSchedulerOptions): (job: Job, object: LshJob) => LshError | undefined {
  const shellNamespaces = config.shellNamespaces ?? [client.namespace];
  const policy = commandPolicy(config);
  return ({ spec, namespace }, object) => {
    const bytes = Buffer.byteLength(JSON.stringify(object.spec));
    if (bytes > SPEC_MAX_BYTES) return new LshError('SPEC_TOO_LARGE', { bytes, limit: SPEC_MAX_BYTES });
    if (spec.executor === 'Shell' && !shellNamespaces.includes(namespace))
      return new LshError('SHELL_NOT_ALLOWED', { namespace });
    try {
      requireSafeCommand(spec, policy);
      return undefined;
    } catch (thrown) {
      return toLshError(thrown);
    }
  };
}
