// A replica of the operator as a Deployment runs it: restarted whenever it ends, with its own runner of shell runs. The
// test can cut or silence its connection to the API server, and signal its process.
import { ByteProxy } from './byte-proxy.ts';
import type { OperatorCluster } from './operator-cluster.ts';
import { operatorKubeconfig, type Operator } from './operator.ts';
import { RunnerWorld } from '../runners/runner-process.ts';

/** Short, so that the runs of a lost controller end before the test. */
const RUNNER_ENV = { LSH_RUNNER_LEASE: '5s', LSH_RUNNER_GRACE: '1s' };
let count = 0;

export class Replica {
  readonly proxy: ByteProxy;
  readonly #cluster: OperatorCluster;
  readonly #kubeconfig: string;
  readonly #args: readonly string[];
  readonly #runner = new RunnerWorld();
  readonly #name = `replica-${++count}`;
  #operator: Operator;
  #stopping = false;
  /** Exit codes or signals of the former processes. */
  readonly ends: (number | string | null)[] = [];

  private constructor(
    cluster: OperatorCluster,
    proxy: ByteProxy,
    kubeconfig: string,
    args: readonly string[],
  ) {
    this.#cluster = cluster;
    this.proxy = proxy;
    this.#kubeconfig = kubeconfig;
    const shell = ['--shell', this.#runner.socketPath, '--shell-namespaces', 'default'];
    this.#args = [...shell, ...args];
    this.#operator = this.#start();
  }

  static async start(cluster: OperatorCluster, args: readonly string[] = []): Promise<Replica> {
    const { environment, admin } = cluster;
    const proxy = await ByteProxy.start(environment.server);
    const kubeconfig = await operatorKubeconfig(environment, admin, proxy.url);
    const replica = new Replica(cluster, proxy, kubeconfig, args);
    await replica.#runner.startRunner(RUNNER_ENV);
    return replica;
  }

  /** The current process. */
  get operator(): Operator {
    return this.#operator;
  }

  signal(signal: NodeJS.Signals): void {
    this.#operator.process.kill(signal);
  }

  /** Ends every connection to the API server and refuses new ones. */
  cutOff(): void {
    this.proxy.refusing = true;
    this.proxy.cut();
  }

  /** Drops every byte without ending a connection. */
  silence(): void {
    this.proxy.swallowing = true;
    this.proxy.hold();
  }

  /** Ends every fault. */
  heal(): void {
    this.signal('SIGCONT');
    const { swallowing } = this.proxy;
    this.proxy.refusing = false;
    this.proxy.swallowing = false;
    if (swallowing) this.proxy.cut();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.heal();
    await this.#operator.stop('SIGKILL');
    await this.proxy.stop();
    await this.#runner.close();
  }

  #start(): Operator {
    const operator = this.#cluster.operator({
      kubeconfig: this.#kubeconfig,
      args: this.#args,
      pod: { name: this.#name },
      env: RUNNER_ENV,
    });
    void operator.ended.then(([code, signal]) => {
      this.ends.push(code ?? signal);
      if (!this.#stopping) this.#operator = this.#start();
    });
    return operator;
  }
}
