// Joins the parts of the daemon: store, jobs, runner, loop and socket. This file decides the order in which they start
// and stop.
import { CalendarFiles } from '../../calendars/calendar-files.ts';
import type { Config } from '../../config.ts';
import { isTraced } from '../../config/otel-variables.ts';
import { systemClock } from '../../control/clock.ts';
import { ClockSteps } from '../../control/clock-steps.ts';
import { Controller } from '../../control/controller.ts';
import type { Runner } from '../../control/ports.ts';
import { NoticeDesk } from '../../control/notices/notice-desk.ts';
import { Reconciler } from '../../control/reconciler.ts';
import type { ClockStep } from '../../core/decide/clock-step.ts';
import type { Executor } from '../../core/executor.ts';
import { isFinished, type Run } from '../../core/run.ts';
import { removeRecord, writeRecord } from '../../local/daemon-record.ts';
import { CommitFeed } from '../../local/jobs/commit-feed.ts';
import { daemonHealth } from '../../local/handlers/daemon-health.ts';
import { StoreJobSource } from '../../local/jobs/job-source.ts';
import { logRecorder } from '../../telemetry/log-recorder.ts';
import { RunTraces } from '../../telemetry/traces/run-traces.ts';
import { traceparentOf } from '../../telemetry/traces/trace-ids.ts';
import { requireWritable, type LocalPaths } from '../../local/paths.ts';
import type { DaemonHealth } from '../../local/socket/protocol.ts';
import { DaemonServer } from '../../local/socket/server.ts';
import type { Log } from '../../telemetry/log.ts';
import { bootIdentity, uptimeIdentity } from '../../runners/subprocess/process-identity.ts';
import { forkServerProgram } from '../../runners/subprocess/launch/fork-server.ts';
import { SubprocessRunner } from '../../runners/subprocess/subprocess-runner.ts';
import { SqliteStore } from '../../stores/sqlite/sqlite-store.ts';
import { VERSION } from '../../version.ts';
import { requireDatabase } from '../check-store.ts';
import { commandRefusal } from '../command-policy.ts';
import { commandSettings } from '../command-settings.ts';
import { standInCommand, withLauncher } from '../launcher.ts';
import { calendarDirectory, daemonEnvironment } from '../local-jobs.ts';
import { localSecrets } from '../secrets/late-secrets.ts';
import { DaemonHistory } from './daemon-history.ts';
import { EvaluationProgress } from './evaluation-progress.ts';
import { LateNotices } from './late-notices.ts';
import { pruneHourly, trimLogs } from './record-pruning.ts';
import { schedulerHandlers } from './scheduler-handlers.ts';
import { keepSocket } from './socket-keeping.ts';

export interface LocalSchedulerOptions {
  config: Config;
  paths: LocalPaths;
  log: Log;
  /** Called when a client requests a shutdown. */
  shutdown: () => void;
}

/** Reconciles mostly wait for the disk, and concurrent ones share one write, so many workers help a busy minute. */
const WORKERS = 256;

/** A request of the daemon itself ends by itself. */
const NEVER = new AbortController().signal;

/** What runs between start() and stop(). */
export class LocalScheduler {
  readonly #options: LocalSchedulerOptions;
  readonly #store: SqliteStore;
  readonly #source: StoreJobSource;
  readonly #calendars: CalendarFiles;
  readonly #feed = new CommitFeed();
  readonly #runner: SubprocessRunner;
  readonly #notices: LateNotices;
  readonly #desk: NoticeDesk;
  readonly #traces: RunTraces | undefined;
  readonly #controller: Controller;
  readonly #server: DaemonServer;
  readonly #startedAt = systemClock.now();
  readonly #clockSteps = new ClockSteps(systemClock, uptimeIdentity(this.#startedAt));
  /** When a daemon first started since the machine did. */
  readonly #bootedAt: number;
  #history: DaemonHistory | undefined;
  readonly #progress = new EvaluationProgress(systemClock, () => this.#controller);
  #housekeeping: (() => void)[] = [];

  /** Opens the store. Throws STORE_… if it is unusable. */
  constructor(options: LocalSchedulerOptions) {
    this.#options = options;
    const { config, paths, log } = options;
    const settings = commandSettings(config);
    requireDatabase(paths);
    this.#store = SqliteStore.open(paths.database);
    this.#bootedAt = this.#firstStart();
    const user = config.user ?? config.logname;
    this.#calendars = new CalendarFiles(calendarDirectory(paths), () => systemClock.now());
    this.#source = new StoreJobSource(this.#store, this.#store, systemClock, user);
    this.#runner = new SubprocessRunner({
      stateDir: paths.stateDir,
      inherit: withLauncher(daemonEnvironment(config)),
      secrets: config.inheritedSecrets,
      secretSource: localSecrets,
      check: commandRefusal(settings),
      maxConcurrentRuns: config.maxConcurrentRuns,
      maxOutputBytes: config.maxOutputBytes,
      clock: this.#clockSteps,
      standIn: standInCommand(paths.stateDir),
      forkServer: forkServerProgram(),
    });
    this.#notices = new LateNotices({
      config,
      store: this.#store,
      logger: log.component('notices'),
      source: this.#source,
      feed: this.#feed,
      put: (job) => handlers['job.put']({ job }, NEVER),
    });
    this.#traces = this.#openTraces();
    this.#desk = new NoticeDesk(config.notify ?? []);
    this.#controller = this.#createController();
    const handlers = schedulerHandlers({
      ...options,
      settings,
      source: this.#source,
      store: this.#store,
      feed: this.#feed,
      runner: this.#runner,
      calendars: this.#calendars,
      notices: this.#notices,
      noticeRules: this.#desk.rules,
      clockSteps: this.#clockSteps,
      startedAt: this.#startedAt,
      progress: this.#progress,
      history: () => this.#history?.standing(),
      probe: () => this.#probeWrites(),
    });
    this.#server = new DaemonServer({
      socketPath: paths.socket,
      version: VERSION,
      handlers,
      log: log.component('server'),
    });
  }

  /** Resolves once the socket answers and the loop runs. */
  async start(): Promise<void> {
    this.#history = this.#openHistory();
    await this.#source.load();
    this.#clockSteps.onStep((step) => void this.#recordStep(step));
    const lastLook = this.#source.lastLook();
    if (lastLook !== undefined) this.#clockSteps.resumeFrom(lastLook);
    // Before the first evaluation, which would end a run as Lost if the runner did not show it.
    await this.#runner.recover(this.#runningRuns());
    await this.#server.listen();
    writeRecord(this.#options.paths);
    this.#controller.start();
    this.#notices.start();
    this.#housekeeping = this.#keepHouse();
    await this.#keepHeartbeat();
  }

  /**
   * Finishes the work under way and leaves running children to the next daemon. The socket closes last: while this
   * process may write, a second daemon must see that it runs.
   */
  async stop(): Promise<void> {
    for (const stop of this.#housekeeping) stop();
    await this.#server.drain();
    await this.#controller.stop();
    await this.#runner.close();
    this.#history?.close();
    this.#notices.close();
    await this.#traces?.close();
    this.#store.close();
    await this.#server.close();
    removeRecord(this.#options.paths);
  }

  #openHistory(): DaemonHistory | undefined {
    const { config, log } = this.#options;
    return DaemonHistory.open({
      config,
      store: this.#store,
      logger: log.component('history'),
      outputOf: async ({ name }, maxBytes) => this.#runner.keptOutput(name, maxBytes),
      jobOf: (key) => this.#source.get(key),
    });
  }

  #openTraces(): RunTraces | undefined {
    const { config, log } = this.#options;
    if (!isTraced(config)) return undefined;
    return new RunTraces({
      version: VERSION,
      logger: log.component('traces'),
      jobOf: (key) => this.#source.get(key),
    });
  }

  /** A step that cannot be recorded is in the log; the jobs follow it all the same. */
  async #recordStep(step: ClockStep): Promise<void> {
    try {
      await this.#store.addClockStep(step);
    } catch (err) {
      this.#options.log.component('clock').warn({ ...step, err }, 'a step of the clock was not recorded');
    }
  }

  /** When a daemon first started in this boot, on the clock as it is set now. */
  #firstStart(): number {
    const at = this.#startedAt;
    const first = this.#store.firstStart({
      boot: bootIdentity(at),
      at,
      clock: this.#clockSteps.initial,
    });
    return first.at + this.#clockSteps.movedSince(first.clock);
  }

  #keepHouse(): (() => void)[] {
    const { config, paths, log } = this.#options;
    const clock = systemClock;
    return [
      pruneHourly({
        store: this.#store,
        removeLog: (run) => this.#runner.removeLog(run),
        clock,
        log: log.component('pruning'),
        retentionDays: config.historyDays,
      }),
      trimLogs({
        trimLogs: (maxBytes) => this.#runner.trimLogs(maxBytes),
        clock,
        log: log.component('pruning'),
        maxBytes: config.maxLogBytes,
      }),
      keepSocket({ server: this.#server, paths, clock, log: log.component('server') }),
    ];
  }

  async #keepHeartbeat(): Promise<void> {
    const { config, log } = this.#options;
    const { heartbeatUrl: url, evaluationIntervalMs: intervalMs } = config;
    if (url === undefined) return;
    const { keepHeartbeat } = await import('../../telemetry/heartbeat.ts');
    const trouble = async () => (await this.#health()).problems[0]?.message;
    const logger = log.component('heartbeat');
    this.#housekeeping.push(keepHeartbeat({ url, intervalMs, trouble, clock: systemClock, logger }));
  }

  #health(): Promise<DaemonHealth> {
    return daemonHealth({
      jobs: [...this.#source.keys()].map((key) => this.#source.get(key)).filter((job) => job !== undefined),
      now: systemClock.now(),
      startedAt: this.#startedAt,
      progress: this.#progress,
      probe: () => this.#probeWrites(),
    });
  }

  #createController(): Controller {
    const { config, log } = this.#options;
    const runners: Partial<Record<Executor, Runner>> = { Shell: this.#runner };
    this.#source.onChange((key) => {
      this.#feed.announce(key);
      this.#history?.wake();
    });
    const reconciler = new Reconciler({
      source: this.#source,
      ledger: this.#source,
      runners,
      onRecorded: [
        logRecorder(log.component('jobs')),
        this.#notices.recorded,
        ...(this.#traces ? [this.#traces.recorded] : []),
        ({ change }) => change.runs.some(isFinished) && this.#history?.wake(),
        // Requests that wait for a run check it in the next turn of the event loop, once its output is readable.
        ({ key: recorded }) => void setImmediate(() => this.#feed.announce(recorded)),
      ],
      traceparentOf: this.#traces && traceparentOf,
      clockSteps: this.#clockSteps,
      evaluatingSince: this.#startedAt,
      calendars: this.#calendars,
      notices: this.#desk,
      starts: { '@reboot': this.#bootedAt, '@daemon-start': this.#startedAt },
    });
    return new Controller({
      source: this.#source,
      runners: Object.values(runners),
      reconciler,
      clock: systemClock,
      clockSteps: this.#clockSteps,
      logger: log.component('controller'),
      meter: this.#progress,
      workers: WORKERS,
      evaluationIntervalMs: config.evaluationIntervalMs,
    });
  }

  async #probeWrites(): Promise<void> {
    requireWritable(this.#options.paths.stateDir);
    await this.#store.probe();
  }

  #runningRuns(): Run[] {
    return [...this.#source.keys()]
      .flatMap((key) => this.#source.runsOf(key))
      .filter(({ phase, executor }) => phase === 'Running' && executor === 'Shell');
  }
}
