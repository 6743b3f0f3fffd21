// The process of `lsh controller`: waits for the lease, leads until it is told to end or has lost it. It never ends
// the process itself; it returns, or throws, and cli/main does.
import { once } from 'node:events';
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { loadConfig, withOptions, type Config } from '../../config.ts';
import type { RunHistory } from '../../control/ports.ts';
import { EXIT, LshError, type ExitStatus } from '../../core/errors.ts';
import { fenced } from '../../kubernetes/api/fence.ts';
import { KubeClient } from '../../kubernetes/api/client.ts';
import { loadKubeConfig, type KubeConfigChoice } from '../../kubernetes/api/kube-config.ts';
import { LeaderElector, type LeadershipEnd } from '../../kubernetes/api/lease.ts';
import { TelemetryServer } from '../../telemetry/http.ts';
import { openLog, type Log } from '../../telemetry/log.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { VERSION } from '../../version.ts';
import { ClusterScheduler } from './cluster-scheduler.ts';
import { addReadings, type Standing } from './controller-readings.ts';
import { serveUntilShutdown, within, type Shutdown } from '../life.ts';
import type { WatchReading } from './cluster-watches.ts';
import { checkShellMode, shellRuns } from './shell-runs.ts';
import { Standby } from './standby.ts';
import { teamHistory } from './team-history.ts';

export interface ControllerChoice {
  cluster: KubeConfigChoice;
  /** Values of options, by the variable that they stand above. */
  options: Readonly<Record<string, string>>;
}

const LEASE = 'lsh-controller';
/** A drain that takes longer is given up: whatever was written is recorded or found again by its name. */
const DRAIN_TIMEOUT_MS = 5_000;

/**
 * Room for young objects would grow to more than all the jobs take, and the rest of the heap to twice of what lives in
 * it; both would stay. A loop that waits for the API server has no use for them.
 */
const SMALL_MEMORY = ['--semi-space-growth-factor=1', '--optimize-for-size'];

/** Runs until it is told to end and has; LEASE_LOST when another one leads instead. */
export async function runController({ cluster, options }: ControllerChoice): Promise<ExitStatus> {
  for (const flag of SMALL_MEMORY) setFlagsFromString(flag);
  const config = loadConfig(withOptions(options));
  checkShellMode(config);
  const history = teamHistory(config);
  const log = openLog({ level: config.logLevel });
  const metrics = new Metrics();
  const connect = (): KubeClient =>
    new KubeClient({
      load: () => loadKubeConfig({ ...cluster, kubeconfigEnv: config.kubeconfig }),
      userAgent: `lsh-controller/${VERSION}`,
      onAnswer: (method, status) => metrics.requested(method, status),
    });
  const client = connect();
  // A connection of its own: a renewal must neither wait behind the work nor, when it is slow, end it.
  const leaseClient = connect();
  try {
    const identity = hostname();
    const life = new ControllerLife({ config, log, metrics, client, leaseClient, history, identity });
    return await serveUntilShutdown('controller', log, (told) => life.serve(told));
  } finally {
    await Promise.all([client.close(), leaseClient.close()]);
    log.close();
  }
}

interface LifeOptions {
  config: Config;
  log: Log;
  metrics: Metrics;
  client: KubeClient;
  leaseClient: KubeClient;
  history: RunHistory | undefined;
  identity: string;
}

/** One process: its probes from the start, its work while it leads. */
class ControllerLife implements Standing {
  readonly #options: LifeOptions;
  readonly #elector: LeaderElector | undefined;
  #standby: Standby | undefined;
  scheduler: ClusterScheduler | undefined;

  constructor(options: LifeOptions) {
    this.#options = options;
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

  async serve(told: Shutdown): Promise<ExitStatus> {
    const { config, log, metrics, identity } = this.#options;
    addReadings(metrics, this, config.workers);
    const server = new TelemetryServer({
      port: config.httpPort,
      notReady: () => this.#notReady(),
      metrics: () => metrics.text(),
    });
    const port = await server.listen();
    for (const warning of config.warnings) log.warn({}, warning);
    log.info({ version: VERSION, port, identity }, 'controller started');
    const stop = new AbortController();
    void told.promise.then((by) => {
      log.info({ by }, 'controller stopping');
      stop.abort();
    });
    this.#standby?.start();
    try {
      if ((await this.#leadInTurn(stop.signal)) === 'lost') throw new LshError('LEASE_LOST');
    } finally {
      await Promise.all([this.#standby?.stop(), server.close()]);
    }
    log.info({}, 'controller stopped');
    return EXIT.ok;
  }

  async #leadInTurn(stop: AbortSignal): Promise<LeadershipEnd> {
    const lead = (leading: AbortSignal): Promise<void> => this.#lead(leading, stop);
    if (this.#elector !== undefined) return this.#elector.run(stop, lead);
    await lead(stop);
    return 'released';
  }

  async #lead(leading: AbortSignal, stop: AbortSignal): Promise<void> {
    const { config, log, client, identity: host } = this.#options;
    const term = this.#elector?.term() ?? 0;
    const shell = shellRuns({ config, host, term, log: log.component('shell') });
    const api = fenced(client, () => this.leads);
    const scheduler = new ClusterScheduler({ ...this.#options, api, shell });
    this.scheduler = scheduler;
    // Nothing of it is shared with what begins now.
    void this.#standby?.stop();
    this.#standby = undefined;
    const ended = leading.aborted ? Promise.resolve() : once(leading, 'abort');
    // What cannot be read yet is waited for, and told by /readyz; only the end of leading ends that.
    const started = scheduler.start().then(() => log.info({}, 'every schedule is evaluated'));
    await Promise.race([ended, started]);
    await ended;
    // A lost lease ends it at once: another one may be writing by now.
    if (stop.aborted) await within(scheduler.stop(), DRAIN_TIMEOUT_MS, log);
    await shell?.close();
  }

  #notReady(): string | undefined {
    if (this.scheduler !== undefined)
      return this.scheduler.evaluating ? undefined : 'the schedules are not evaluated yet';
    if (this.#standby?.synced !== true) return 'the caches have not synced yet';
    return this.#elector?.holder() === undefined ? 'the lease has not been seen yet' : undefined;
  }
}

function elector({ config, log, leaseClient, identity }: LifeOptions): LeaderElector {
  const { leaseDurationMs } = config;
  return new LeaderElector({
    client: leaseClient,
    logger: log.component('lease'),
    namespace: leaseClient.namespace,
    name: LEASE,
    identity: `${identity}_${process.pid}`,
    leaseDurationMs,
    // client-go’s proportions: 15 s of lease, 10 s to renew it, a try every 2 s.
    renewDeadlineMs: 2 * Math.round(leaseDurationMs / 3),
    retryPeriodMs: Math.round((2 * leaseDurationMs) / 15),
  });
}
