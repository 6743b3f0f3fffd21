// The process of `lsh controller`: waits for the lease, then leads until a shutdown or until the lease is lost. It
// returns or throws; cli/main ends the process.
import { once } from 'node:events';
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { loadConfig, withOptions, type Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import { EXIT, LshError, type ExitStatus } from '../../core/errors.ts';
import type { KeptOutput } from '../../core/record/output-chunks.ts';
import type { Run } from '../../core/run.ts';
import { fenced } from '../../kubernetes/api/fence.ts';
import { KubeClient } from '../../kubernetes/api/client.ts';
import { loadKubeConfig, type KubeConfigChoice } from '../../kubernetes/api/kube-config.ts';
import { LeaderElector, type LeadershipEnd } from '../../kubernetes/api/lease.ts';
import { HostPods } from '../../kubernetes/operator/host-pods.ts';
import { hostName } from '../../kubernetes/objects/host.ts';
import { keepHeartbeat } from '../../telemetry/heartbeat.ts';
import { TelemetryServer } from '../../telemetry/http.ts';
import { JobMetrics } from '../../telemetry/job-series.ts';
import { openLog, type Log } from '../../telemetry/log.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { VERSION } from '../../version.ts';
import { ClusterScheduler } from './cluster-scheduler.ts';
import { addReadings, type Standing } from './controller-readings.ts';
import { awaitStop, serveUntilShutdown, type Shutdown } from '../life.ts';
import type { WatchReading } from './cluster-watches.ts';
import { runEndsOf, type RunEnds } from './run-ends.ts';
import { checkShellMode, shellRuns, type ShellRuns } from './shell-runs.ts';
import { Standby } from './standby.ts';
import { teamHistory, type Home } from '../supabase/team-history.ts';

export interface ControllerChoice {
  cluster: KubeConfigChoice;
  /** Values of command-line options, by the environment variable that they override. */
  options: Readonly<Record<string, string>>;
}

const LEASE = 'lsh-controller';
/** Longest wait for a stop, milliseconds. Skipping the rest is safe: the next leader finds each run by its name. */
const DRAIN_TIMEOUT_MS = 5_000;

/**
 * By default V8 lets the young generation grow beyond the size of all jobs, and the heap to twice its live objects, and
 * keeps both. The loop mostly waits for the API server, so it trades that memory for more frequent collections.
 */
const SMALL_MEMORY = ['--semi-space-growth-factor=1', '--optimize-for-size'];

/** Runs until a shutdown. Throws LEASE_LOST if another controller takes over. */
export async function runController({ cluster, options }: ControllerChoice): Promise<ExitStatus> {
  for (const flag of SMALL_MEMORY) setFlagsFromString(flag);
  const config = loadConfig(withOptions(options));
  checkShellMode(config);
  const log = openLog({ level: config.logLevel });
  const metrics = new Metrics();
  const connect = (): KubeClient =>
    new KubeClient({
      load: () => loadKubeConfig({ ...cluster, kubeconfigEnv: config.kubeconfig }),
      userAgent: `lsh-controller/${VERSION}`,
      onAnswer: (method, status) => metrics.requested(method, status),
    });
  const client = connect();
  // A separate connection: a renewal must not wait behind other requests, and a slow one must not abort them.
  const leaseClient = connect();
  try {
    const identity = hostname();
    const host = hostName(client.namespace, identity);
    const life = new ControllerLife({ config, log, metrics, client, leaseClient, identity, host });
    return await serveUntilShutdown('controller', log, (shutdown) => life.serve(shutdown));
  } finally {
    await Promise.all([client.close(), leaseClient.close()]);
    log.close();
  }
}

/** LSH_ORIGIN keeps the identity when the cluster gets another certificate authority. */
function homeOf({ clusterId, namespace }: KubeClient, { originName = clusterId }: Config): Home {
  return { id: `${originName}/${namespace}`, kind: 'Cluster', name: namespace, namespace };
}

interface LifeOptions {
  config: Config;
  log: Log;
  metrics: Metrics;
  client: KubeClient;
  leaseClient: KubeClient;
  /** Name of this process: the name of its pod. */
  identity: string;
  /** The same name with its namespace, as recorded in `Run.host`. */
  host: string;
}

/** The life of the process: probes from the start, the loop while it leads. */
class ControllerLife implements Standing {
  readonly #options: LifeOptions;
  readonly #elector: LeaderElector | undefined;
  readonly #pods: HostPods;
  readonly #history: ReturnType<typeof teamHistory>;
  readonly #jobMetrics: JobMetrics;
  /** While this process leads and executes shell runs. */
  #shell: ShellRuns | undefined;
  /** Settles when the runs of a Pod that is being deleted are recorded. */
  #leaving: Promise<void> | undefined;
  #standby: Standby | undefined;
  scheduler: ClusterScheduler | undefined;

  /** Throws ENVIRONMENT_INVALID. */
  constructor(options: LifeOptions) {
    this.#options = options;
    const { config, client, host, log } = options;
    this.#history = teamHistory(config, homeOf(client, config), {
      outputOf: (run, maxBytes) => this.#outputOf(run, maxBytes),
      jobOf: (key) => this.scheduler?.jobOf(key),
    });
    this.#jobMetrics = new JobMetrics(log.component('metrics'));
    this.#pods = new HostPods({ client, own: host, logger: log.component('shell') });
    if (!options.config.leaderElect) return;
    this.#elector = elector(options);
    this.#standby = new Standby(options);
  }

  get watches(): WatchReading[] {
    return (this.scheduler ?? this.#standby)?.watches() ?? [];
  }

  get leads(): boolean {
    return this.#elector === undefined || this.#elector.isLeader();
  }

  async serve(shutdown: Shutdown): Promise<ExitStatus> {
    const { config, log, metrics, identity } = this.#options;
    addReadings(metrics, this, config.workers);
    const server = new TelemetryServer({
      port: config.httpPort,
      notReady: () => this.#notReady(),
      metrics: () => this.#metricsText(),
    });
    const port = await server.listen();
    for (const warning of config.warnings) log.warn({}, warning);
    log.info({ version: VERSION, port, identity }, 'controller started');
    const stop = new AbortController();
    void shutdown.promise.then((by) => {
      log.info({ by }, 'controller stopping');
      stop.abort();
    });
    this.#standby?.start();
    try {
      if ((await this.#leadInTurn(stop.signal)) === 'lost') throw new LshError('LEASE_LOST');
      await this.#leaving;
    } finally {
      await Promise.all([this.#standby?.stop(), server.close()]);
    }
    log.info({}, 'controller stopped');
    return EXIT.ok;
  }

  /** Only the leader knows the runs of jobs, so no other process has series of them. */
  async #metricsText(): Promise<{ type: string; body: string }> {
    const { metrics, config } = this.#options;
    const { type, body } = await metrics.text();
    if (this.scheduler === undefined) return { type, body };
    const { lines } = this.#jobMetrics.series(this.scheduler.jobs, config.metricsPerJob);
    return { type, body: [body.trimEnd(), ...lines, ''].join('\n') };
  }

  async #leadInTurn(stop: AbortSignal): Promise<LeadershipEnd> {
    const lead = (leading: AbortSignal): Promise<void> => this.#lead(leading, stop);
    if (this.#elector !== undefined) return this.#elector.run(stop, lead);
    await lead(stop);
    return 'released';
  }

  async #lead(leading: AbortSignal, stop: AbortSignal): Promise<void> {
    const { config, log, client, host } = this.#options;
    const term = this.#elector?.term() ?? 0;
    const isHostGone = (other: string) => this.#pods.isGone(other);
    const shell = shellRuns({ config, host, term, isHostGone, log: log.component('shell') });
    this.#shell = shell;
    const api = fenced(client, () => this.leads);
    const scheduler = new ClusterScheduler({ ...this.#options, api, shell, history: this.#history });
    this.scheduler = scheduler;
    // Not awaited: the standby shares nothing with the scheduler.
    void this.#standby?.stop();
    this.#standby = undefined;
    const ended = leading.aborted ? Promise.resolve() : once(leading, 'abort');
    // While the API server cannot be read, the start waits and /readyz fails. The end of leadership ends the wait.
    const started = scheduler.start().then(() => log.info({}, 'every schedule is evaluated'));
    await Promise.race([ended, started]);
    const stopHeartbeat = this.#keepHeartbeat();
    await ended;
    stopHeartbeat();
    // Only a shutdown drains. After a lost lease another controller may already write, so this one stops at once.
    if (stop.aborted) {
      const runEnds = this.#hearLastEnds();
      await awaitStop(scheduler.stop(), DRAIN_TIMEOUT_MS, log);
      // The runner waits for a listener: one of them is connected at every moment.
      await runEnds?.opened;
    }
    await shell?.close();
  }

  /** Only the leader calls. Returns how to end it. */
  #keepHeartbeat(): () => void {
    const { config, log } = this.#options;
    const { heartbeatUrl: url, evaluationIntervalMs: intervalMs } = config;
    if (url === undefined) return () => {};
    const trouble = async () => (this.leads ? this.#notReady() : 'this process no longer leads');
    const logger = log.component('heartbeat');
    return keepHeartbeat({ url, intervalMs, trouble, clock: systemClock, logger });
  }

  /** Of a Job the record has the end of the Pod’s log; of a shell run this host has the log. */
  async #outputOf(run: Run, maxBytes: number): Promise<KeptOutput | undefined> {
    const isHere = run.executor === 'Shell' && run.host === this.#options.host;
    return isHere ? this.#shell?.outputOf(run, maxBytes) : undefined;
  }

  #hearLastEnds(): RunEnds | undefined {
    const runEnds = runEndsOf(this.#options);
    runEnds?.start();
    this.#leaving = runEnds && this.#recordLastEnds(runEnds);
    return runEnds;
  }

  /**
   * The runner of a Pod that is being deleted gives its runs time to end, and this process alone hears of them: it
   * records their ends while the next controller leads. In a Pod that stays, the next controller takes over the runs.
   */
  async #recordLastEnds(runEnds: RunEnds): Promise<void> {
    const { config, log } = this.#options;
    const limitMs = config.runnerLeaseMs + config.runnerGraceMs + DRAIN_TIMEOUT_MS;
    if (await this.#pods.isLeaving()) await awaitStop(runEnds.last(), limitMs, log);
    await runEnds.stop();
  }

  #notReady(): string | undefined {
    if (this.scheduler !== undefined)
      return this.scheduler.evaluating ? undefined : 'the schedules are not evaluated yet';
    if (this.#standby?.synced !== true) return 'the caches have not synced yet';
    return this.#elector?.holder() === undefined ? 'the lease has not been read yet' : undefined;
  }
}

function elector({ config, log, leaseClient, identity }: LifeOptions): LeaderElector {
  return new LeaderElector({
    client: leaseClient,
    logger: log.component('lease'),
    namespace: leaseClient.namespace,
    name: LEASE,
    identity: `${identity}_${process.pid}`,
    leaseDurationMs: config.leaseDurationMs,
  });
}
