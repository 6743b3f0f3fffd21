// The operator's home inside the test's process, with a hand between it and the API server: it counts the writes,
// and after a given one nothing goes through any more, as if the process had been killed there.
import { loadConfig } from '../../src/config.ts';
import type { KubeApi } from '../../src/kubernetes/api.ts';
import type { KubeClient, KubeRequest } from '../../src/kubernetes/client.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import type { Log } from '../../src/observe/log.ts';
import { ClusterHome } from '../../src/processes/cluster-home.ts';
import { keptLogger, type KeptLogger } from './kept-logger.ts';

export interface InProcessOptions {
  client: KubeClient;
  /** Variables of the operator. */
  env?: Record<string, string>;
  /** After so many writes it is dead; default: never. */
  diesAfter?: number;
  /** Called before each write that goes through. */
  beforeWrite?: (request: KubeRequest) => Promise<void>;
}

export class InProcessOperator {
  readonly home: ClusterHome;
  readonly logger: KeptLogger = keptLogger();
  /** What was written, as `POST jobs`; Events, which nothing depends on, are left out. */
  readonly writes: string[] = [];
  /** Resolves when it has died. */
  readonly died: Promise<void>;
  readonly #options: InProcessOptions;
  readonly #die: () => void;

  constructor(options: InProcessOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#die = resolve;
    const log: Log = {
      ...this.logger,
      fatal: (fields, message) => this.logger.error(fields, message),
      component: () => this.logger,
      close: () => {},
    };
    const env = { HOME: '/nonexistent', LSH_LEASE_DURATION: '1s', ...options.env };
    this.home = new ClusterHome({
      config: loadConfig(env),
      log,
      metrics: new Metrics(),
      client: options.client,
      api: this.#api(),
      identity: 'in-process',
      shell: undefined,
      history: undefined,
    });
    if (options.diesAfter === 0) resolve();
  }

  async start(): Promise<this> {
    await this.home.start();
    return this;
  }

  stop(): Promise<void> {
    return this.home.stop();
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
    const { diesAfter = Infinity, beforeWrite } = this.#options;
    const { method = 'GET', path } = request;
    const counts = method !== 'GET' && !path.includes('/events');
    if (this.writes.length >= diesAfter) {
      this.#die();
      throw new Error('the process is dead');
    }
    if (!counts) return;
    this.writes.push(`${method} ${path.split('/').slice(6).join('/')}`);
    await beforeWrite?.(request);
  }
}
