// The operator inside the test’s process. It counts its writes to the API server and its commands to `lsh runner`; after
// a given number it makes no further call, as if the process had been killed there.
import { loadConfig } from '../../../src/config.ts';
import type { Runner } from '../../../src/control/ports.ts';
import type { KubeApi } from '../../../src/kubernetes/api/fence.ts';
import type { KubeClient, KubeRequest } from '../../../src/kubernetes/api/client.ts';
import { Metrics } from '../../../src/telemetry/metrics.ts';
import type { Log } from '../../../src/telemetry/log.ts';
import { ClusterScheduler } from '../../../src/processes/operator/cluster-scheduler.ts';
import { shellRuns, type ShellRuns } from '../../../src/processes/operator/shell-runs.ts';
import { keptLogger, type KeptLogger } from '../kept-logger.ts';

export interface InProcessOptions {
  client: KubeClient;
  /** Variables of the operator. */
  env?: Record<string, string>;
  /** Term of the lease: the runner rejects controllers of older terms. */
  term?: number;
  /** The operator dies after this many writes; default: never. */
  diesAfter?: number;
  /** Called before each write that goes through. */
  beforeWrite?: (request: KubeRequest) => Promise<void>;
}

const IDENTITY = 'in-process';

export class InProcessOperator {
  readonly home: ClusterScheduler;
  readonly logger: KeptLogger = keptLogger();
  /** Writes such as `POST jobs`, and commands to the runner such as `start <run>`. Events do not count: no state needs them. */
  readonly writes: string[] = [];
  /** Resolves when the operator has died. */
  readonly died: Promise<void>;
  readonly #options: InProcessOptions;
  readonly #shell: ShellRuns | undefined;
  readonly #die: () => void;
  #dead = false;

  constructor(options: InProcessOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#die = resolve;
    const log: Log = {
      ...this.logger,
      fatal: (fields, message) => this.logger.error(fields, message),
      component: () => this.logger,
      reopen: () => {},
      close: () => {},
    };
    const config = loadConfig({ HOME: '/nonexistent', LSH_LEASE_DURATION: '1s', ...options.env });
    const isHostGone = async () => false;
    this.#shell = shellRuns({ config, host: IDENTITY, term: options.term ?? 0, isHostGone, log });
    this.home = new ClusterScheduler({
      config,
      log,
      metrics: new Metrics(),
      client: options.client,
      api: this.#api(),
      identity: IDENTITY,
      host: IDENTITY,
      shell: this.#shell && { ...this.#shell, runner: this.#counted(this.#shell.runner) },
      history: undefined,
      traces: undefined,
    });
  }

  /** Whether the operator has died: it attempted a call after its last write. */
  get dead(): boolean {
    return this.#dead;
  }

  async start(): Promise<this> {
    await this.home.start();
    return this;
  }

  async stop(): Promise<void> {
    await this.home.stop();
    await this.#shell?.close();
  }

  #api(): KubeApi {
    const { client } = this.#options;
    return {
      json: async <T>(request: KubeRequest) => {
        await this.#pass(request);
        return client.json<T>(request);
      },
      request: async (request) => {
        await this.#pass(request);
        return client.request(request);
      },
    };
  }

  async #pass(request: KubeRequest): Promise<void> {
    const { method = 'GET', path } = request;
    this.#assertAlive();
    if (method === 'GET' || path.includes('/events')) return;
    this.writes.push(`${method} ${path.split('/').slice(6).join('/')}`);
    await this.#options.beforeWrite?.(request);
  }

  /** The runner with its commands counted. */
  #counted(runner: Runner): Runner {
    const count = (command: string) => {
      this.#assertAlive();
      this.writes.push(command);
    };
    return {
      traits: runner.traits,
      capacity: () => runner.capacity(),
      observe: (key) => runner.observe(key),
      onChange: (listener) => runner.onChange(listener),
      start: async (job, run) => {
        count(`start ${run.name}`);
        await runner.start(job, run);
      },
      stop: (name, ...rest) => {
        count(`stop ${name}`);
        return runner.stop(name, ...rest);
      },
      release: (name, key) => {
        count(`release ${name}`);
        runner.release(name, key);
      },
      remove: (name, key) => {
        count(`remove ${name}`);
        return runner.remove?.(name, key);
      },
    };
  }

  #assertAlive(): void {
    if (this.writes.length < (this.#options.diesAfter ?? Infinity)) return;
    // The kernel closes the connections of a dead process.
    if (!this.#dead) void this.#shell?.close();
    this.#dead = true;
    this.#die();
    throw new Error('the process is dead');
  }
}
