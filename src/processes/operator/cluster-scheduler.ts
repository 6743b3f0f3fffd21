// Joins the parts of the operator while this process leads: informers, jobs, runners and loop. This file decides the
// order in which they start and stop.
import { CalendarFiles } from '../../calendars/calendar-files.ts';
import type { Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import { ClockSteps } from '../../control/clock-steps.ts';
import { Controller } from '../../control/controller.ts';
import { JobsRecord } from '../../control/history/jobs-record.ts';
import { LedgerOutbox } from '../../control/history/ledger-outbox.ts';
import type { HistoryStanding } from '../../control/history/sender.ts';
import type { JobRoster, RecordedListener, TeamHistory, Runner } from '../../control/ports.ts';
import { Reconciler } from '../../control/reconciler.ts';
import { StartRate } from '../../control/related/start-rate.ts';
import { requireSafeCommand } from '../../core/command-check/command-check.ts';
import { policyFor } from '../../core/command-check/policy.ts';
import { LshError, toLshError } from '../../core/errors.ts';
import type { Executor } from '../../core/executor.ts';
import type { Job, JobKey } from '../../core/job.ts';
import { isStuck, isUnderWay, type Run } from '../../core/run.ts';
import type { KubeApi } from '../../kubernetes/api/fence.ts';
import type { KubeClient } from '../../kubernetes/api/client.ts';
import { EventRecorder } from '../../kubernetes/operator/event-recorder.ts';
import { KubeJobRunner } from '../../kubernetes/operator/kube-job-runner.ts';
import { LshJobSource } from '../../kubernetes/operator/lsh-job-source.ts';
import type { LshJob } from '../../kubernetes/objects/lsh-job.ts';
import type { MeasuredJobs } from '../../telemetry/job-series.ts';
import { logRecorder } from '../../telemetry/log-recorder.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { RunTraces } from '../../telemetry/traces/run-traces.ts';
import { traceparentOf } from '../../telemetry/traces/trace-ids.ts';
import { ClusterNotices } from './cluster-notices.ts';
import type { NoticeResult } from '../../notices/notice-sender.ts';
import { clusterWatches, readingsOf, type Watches, type WatchReading } from './cluster-watches.ts';
import { commandSettings } from '../command-settings.ts';
import type { ShellRuns } from './shell-runs.ts';

export interface ClusterSchedulerOptions {
  config: Config;
  log: Log;
  metrics: Metrics;
  client: KubeClient;
  /** The same server for the calls of the loop. Refuses writes once the lease is lost. */
  api: KubeApi;
  /** Name of this process: the name of its pod. */
  identity: string;
  /** Host of the shell runs that start now, as recorded in `Run.host`. */
  host: string;
  /** Undefined if shell runs are off. */
  shell: ShellRuns | undefined;
  /** Undefined if no team history is configured. */
  history: (TeamHistory & JobRoster) | undefined;
  /** Undefined unless runs are traced. */
  traces: RunTraces | undefined;
}

/** etcd stores objects of at most 1.5 MB; the rest is for the status. */
const SPEC_MAX_BYTES = 1024 * 1024;
/**
 * How many lease durations the name of a finished Kubernetes Job stays taken: see KubeJobRunnerOptions. A former leader
 * may be paused for longer than a lease, such as by the move of its virtual machine.
 */
const REMOVAL_DELAY_LEASES = 5;

/** The loop of one leadership, from start() to stop(). */
export class ClusterScheduler {
  readonly #options: ClusterSchedulerOptions;
  readonly #watches: Watches;
  readonly #source: LshJobSource;
  readonly #jobRunner: KubeJobRunner;
  readonly #events: EventRecorder;
  readonly #history: LedgerOutbox | undefined;
  readonly #notices: ClusterNotices;
  readonly #jobsRecord: JobsRecord | undefined;
  #controller: Controller | undefined;
  #isStopped = false;

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
      pods,
      facts: {
        phaseOf: (key, name) => this.#source.phaseOf(key, name),
        jobOf: (key) => this.#source.get(key),
        underWayOf: (key) =>
          this.#source.activeRunsOf(key).filter((run) => isUnderWay(run) && run.executor === 'Job'),
      },
      defaults: { image: config.jobImage, ...config.jobDefaults },
      clock: systemClock,
      logger: log.component('jobs'),
      removalDelayMs: REMOVAL_DELAY_LEASES * config.leaseDurationMs,
    });
    this.#events = new EventRecorder({
      api,
      clock: systemClock,
      logger: log.component('events'),
      identity,
      isBusy: () => this.depth > 0,
    });
    this.#notices = new ClusterNotices({
      config,
      logger: log.component('notices'),
      name: identity,
      pendingOf: (key) => this.#source.pendingNoticesOf(key),
      runsOf: (key) => this.#source.shownRunsOf(key),
      onResult: (result) => this.#told(result),
      onUnknown: (job, channels) =>
        this.#events.recorded({ job, events: [{ kind: 'ChannelUnknown', channels }] }),
    });
    const { history } = options;
    const logger = log.component('history');
    this.#history = history && new LedgerOutbox({ history, clock: systemClock, logger });
    this.#jobsRecord = history && this.#history && this.#recordOfJobs(history, this.#history);
  }

  /** Resolves once the loop evaluates every schedule, or after a stop() that came before. */
  async start(): Promise<void> {
    const since = systemClock.now();
    // LshJobs first: a Kubernetes Job is created before its record, so a later list of Jobs has every recorded run. In
    // the other order a recorded run could look lost.
    const { lshjobs, jobs, pods } = this.#watches;
    await lshjobs.start();
    await Promise.all([jobs.start(), pods.start()]);
    if (this.#isStopped) return;
    await this.#options.shell?.recover(this.#shellRuns());
    if (this.#isStopped) return;
    this.#controller = this.#createController(since);
    this.#controller.start();
    this.#notices.start();
    this.#jobsRecord?.start();
  }

  /** Whether the loop evaluates every schedule. */
  get evaluating(): boolean {
    return this.#controller !== undefined;
  }

  get depth(): number {
    return this.#controller?.depth ?? 0;
  }

  get working(): number {
    return this.#controller?.working ?? 0;
  }

  /** Finishes the work under way. Active runs continue. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#jobsRecord?.close();
    this.#history?.close();
    this.#notices.close();
    await this.#controller?.stop();
    // After the last evaluation, which may still plan a delayed deletion.
    this.#jobRunner.close();
    await Promise.all([this.#events.flush(), ...Object.values(this.#watches).map((watch) => watch.stop())]);
  }

  /** The health of the watches. */
  watches(): WatchReading[] {
    return readingsOf(this.#watches);
  }

  /** Finished runs that the team’s history lacks; undefined without one. */
  get historyStanding(): HistoryStanding | undefined {
    return this.#history?.standing();
  }

  jobOf(key: JobKey): Job | undefined {
    return this.#source.get(key);
  }

  /** The jobs for their metrics. */
  get jobs(): MeasuredJobs {
    return {
      keys: () => this.#source.keys(),
      jobOf: (key) => this.#source.get(key),
      runsOf: (key) => this.#source.shownRunsOf(key),
    };
  }

  /** Runs that have not ended. */
  get activeRuns(): number {
    let active = 0;
    for (const key of this.#source.keys()) active += this.#source.activeRunsOf(key).length;
    return active;
  }

  /** Runs whose command cannot begin. */
  get stuckRuns(): number {
    let stuck = 0;
    for (const key of this.#source.keys()) stuck += this.#source.activeRunsOf(key).filter(isStuck).length;
    return stuck;
  }

  /** Notices that channels have still to hear of. */
  get waitingNotices(): number {
    return this.#notices.waiting;
  }

  #told({ channel, deliveries, dead }: NoticeResult): void {
    this.#options.metrics.told(channel, dead === undefined ? 'delivered' : 'dead', deliveries.length);
    if (dead === undefined) return;
    for (const { job, notice } of deliveries) {
      const event = { kind: 'NoticeDead', channel, notice: notice.kind, why: dead } as const;
      this.#events.recorded({ job: this.#source.get(job), events: [event] });
    }
  }

  /** Deletes the logs of the shell runs of a removed LshJob. Kubernetes deletes its Kubernetes Jobs with it. */
  #removeLogs(key: JobKey, runs: readonly Run[]): void {
    const { shell } = this.#options;
    for (const { name, executor } of runs) if (executor === 'Shell') void shell?.runner.remove?.(name, key);
  }

  #recordOfJobs(roster: JobRoster, outbox: LedgerOutbox): JobsRecord {
    const { namespaces = [] } = this.#options.config;
    return new JobsRecord({
      source: this.#source,
      roster,
      outbox,
      lastChange: (key) => this.#watches.lshjobs.get(key)?.lastChange ?? {},
      isWatched: (namespace) => namespaces.length === 0 || namespaces.includes(namespace),
      clock: systemClock,
      logger: this.#options.log.component('history'),
    });
  }

  #shellRuns(): Run[] {
    return [...this.#source.keys()]
      .flatMap((key) => this.#source.shownRunsOf(key))
      .filter(({ executor }) => executor === 'Shell');
  }

  #listeners(): RecordedListener[] {
    const { log, metrics, traces } = this.#options;
    return [
      (recorded) => metrics.recorded(recorded),
      ({ change }) => this.#history?.add(change.runs),
      logRecorder(log.component('jobs')),
      this.#notices.recorded,
      (recorded) => this.#events.recorded(recorded),
      ...(traces ? [traces.recorded] : []),
    ];
  }

  #createController(evaluatingSince: number): Controller {
    const { config, log, metrics, identity, host, shell, traces } = this.#options;
    const runners: Partial<Record<Executor, Runner>> = { Job: this.#jobRunner };
    if (shell) runners.Shell = shell.runner;
    const clockSteps = new ClockSteps(systemClock, identity);
    const reconciler = new Reconciler({
      source: this.#source,
      ledger: this.#source,
      runners,
      onRecorded: this.#listeners(),
      onFailing: (failing) => this.#events.recorded(failing),
      history: this.#history,
      notices: this.#notices.desk,
      meter: metrics,
      traceparentOf: traces && traceparentOf,
      ...(config.maxStartsPerSecond > 0 && {
        startRate: new StartRate(config.maxStartsPerSecond, systemClock),
      }),
      clockSteps,
      evaluatingSince,
      calendars: new CalendarFiles(config.calendars, () => systemClock.now()),
      host,
    });
    return new Controller({
      source: this.#source,
      runners: Object.values(runners),
      reconciler,
      history: this.#history,
      notices: this.#notices,
      clock: systemClock,
      clockSteps,
      logger: log.component('controller'),
      meter: metrics,
      workers: config.workers,
      evaluationIntervalMs: config.evaluationIntervalMs,
    });
  }
}

/** Checks what the schema of an LshJob cannot express: its size, its namespace and its command. */
function admission({
  config,
  client,
}: ClusterSchedulerOptions): (job: Job, object: LshJob) => LshError | undefined {
  const shellNamespaces = config.shellNamespaces ?? [client.namespace];
  const settings = commandSettings(config);
  return ({ spec, namespace, name }, object) => {
    const bytes = Buffer.byteLength(JSON.stringify(object.spec));
    if (bytes > SPEC_MAX_BYTES) return new LshError('SPEC_TOO_LARGE', { bytes, limit: SPEC_MAX_BYTES });
    if (spec.executor === 'Shell' && !shellNamespaces.includes(namespace))
      return new LshError('SHELL_NOT_ALLOWED', { namespace });
    try {
      requireSafeCommand(spec, policyFor({ namespace, name }, settings));
      return undefined;
    } catch (thrown) {
      return toLshError(thrown);
    }
  };
}
