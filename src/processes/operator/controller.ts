// The process of `lsh controller`: waits for the lease, leads until a shutdown, and waits again after a lost lease.
// It returns or throws; cli/main ends the process.
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { loadConfig, withOptions } from '../../config.ts';
import { isTraced } from '../../config/otel-variables.ts';
import { EXIT, LshError, type ExitStatus } from '../../core/errors.ts';
import { KubeClient } from '../../kubernetes/api/client.ts';
import { loadKubeConfig, type KubeConfigChoice } from '../../kubernetes/api/kube-config.ts';
import { LeaderElector, type LeadershipEnd } from '../../kubernetes/api/lease.ts';
import { HostPods } from '../../kubernetes/operator/host-pods.ts';
import { hostName } from '../../kubernetes/objects/host.ts';
import { TelemetryServer } from '../../telemetry/http.ts';
import { JobMetrics } from '../../telemetry/job-series.ts';
import { openLog } from '../../telemetry/log.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { RunTraces } from '../../telemetry/traces/run-traces.ts';
import { VERSION } from '../../version.ts';
import type { ClusterScheduler } from './cluster-scheduler.ts';
import { addReadings, type Standing } from './controller-readings.ts';
import { Leadership } from './leadership.ts';
import { serveUntilShutdown, type Shutdown } from '../life.ts';
import type { WatchReading } from './cluster-watches.ts';
import type { HostOptions } from './run-ends.ts';
import { checkShellMode } from './shell-runs.ts';
import { Standby } from './standby.ts';
import { projectForWriting } from '../supabase/writer.ts';

export interface ControllerChoice {
  cluster: KubeConfigChoice;
  /** Values of command-line options, by the environment variable that they override. */
  options: Readonly<Record<string, string>>;
}

const LEASE = 'lsh-controller';

/**
 * By default V8 lets the young generation grow beyond the size of all jobs, and the heap to twice its live objects, and
 * keeps both. The loop mostly waits for the API server, so it trades that memory for more frequent collections.
 */
const SMALL_MEMORY = ['--semi-space-growth-factor=1', '--optimize-for-size'];

/** Runs until a shutdown. Throws LEASE_LOST if another controller may lead and this process executes shell runs. */
export async function runController({ cluster, options }: ControllerChoice): Promise<ExitStatus> {
  for (const flag of SMALL_MEMORY) setFlagsFromString(flag);
  const config = loadConfig(withOptions(options));
  checkShellMode(config);
  // A standby without the key ends at once, and not when it is to lead.
  if (config.supabaseUrl !== undefined) projectForWriting(config);
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

interface LifeOptions extends Omit<HostOptions, 'traces'> {
  leaseClient: KubeClient;
}

/** The life of the process: probes from the start, the loop while it leads, a standby’s watches while it does not. */
class ControllerLife implements Standing {
  readonly #options: LifeOptions;
  readonly #elector: LeaderElector | undefined;
  readonly #pods: HostPods;
  readonly #jobMetrics: JobMetrics;
  readonly #traces: RunTraces | undefined;
  /** The newest one. */
  #leadership: Leadership | undefined;
  #standby: Standby | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
    const { config, client, host, log } = options;
    this.#jobMetrics = new JobMetrics(log.component('metrics'));
    this.#pods = new HostPods({ client, own: host, logger: log.component('shell') });
    if (isTraced(config)) this.#traces = this.#openTraces();
    if (config.leaderElect) this.#elector = elector(options);
  }

  get leads(): boolean {
    return this.#elector === undefined || this.#elector.isLeader();
  }

  get scheduler(): ClusterScheduler | undefined {
    return this.#standby === undefined ? this.#leadership?.scheduler : undefined;
  }

  get watches(): WatchReading[] {
    return (this.#standby ?? this.scheduler)?.watches() ?? [];
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
    try {
      await this.#leadInTurn(stop.signal);
      await this.#leadership?.recordedLastEnds;
    } finally {
      // The lease is free by then: the flush delays no hand-over.
      await Promise.all([this.#standby?.stop(), server.close(), this.#traces?.close()]);
    }
    log.info({}, 'controller stopped');
    return EXIT.ok;
  }

  #openTraces(): RunTraces {
    return new RunTraces({
      version: VERSION,
      logger: this.#options.log.component('traces'),
      jobOf: (key) => this.scheduler?.jobOf(key),
    });
  }

  /** Only the leader knows the runs of jobs, so no other process has series of them. */
  async #metricsText(): Promise<{ type: string; body: string }> {
    const { metrics, config } = this.#options;
    const { type, body } = await metrics.text();
    if (this.scheduler === undefined) return { type, body };
    const { lines } = this.#jobMetrics.series(this.scheduler.jobs, config.metricsPerJob);
    return { type, body: [body.trimEnd(), ...lines, ''].join('\n') };
  }

  /**
   * A lost lease does not end the process: a node without time for the renewals has none for a new process, and the kubelet
   * delays each further start of a container.
   */
  async #leadInTurn(stop: AbortSignal): Promise<void> {
    if (this.#elector === undefined) return this.#lead(stop, stop);
    let end: LeadershipEnd;
    do {
      this.#leadership = undefined;
      this.#standby = new Standby({ ...this.#options, traces: this.#traces });
      this.#standby.start();
      end = await this.#elector.run(stop, (leading) => this.#lead(leading, stop));
      // Commands of this very process would run on, beside those that the next leader starts.
      if (end === 'lost' && this.#options.config.shellMode === 'in-process') throw new LshError('LEASE_LOST');
    } while (end === 'lost');
  }

  async #lead(leading: AbortSignal, stop: AbortSignal): Promise<void> {
    this.#leadership = new Leadership({
      ...this.#options,
      pods: this.#pods,
      traces: this.#traces,
      term: this.#elector?.term() ?? 0,
      holdsLease: () => this.leads,
      trouble: () => (this.leads ? this.#notReady() : 'this process no longer leads'),
    });
    // Not awaited: the standby shares nothing with the scheduler.
    void this.#standby?.stop();
    this.#standby = undefined;
    await this.#leadership.lead(leading, stop);
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
