// An API server with the operator's rights, somebody who plays the nodes, and a memory of everything that was ever
// shown of each LshJob: tests wait for what the watch brings, and check afterwards that no slot ran twice or was lost.
import type { JobSpecInput } from '../../../src/core/job.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { Informer } from '../../../src/kubernetes/api/watch/informer.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import type { KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { OUTCOMES_SHOWN, type OutcomeEntry } from '../../../src/kubernetes/objects/lsh-job-outcomes.ts';
import type { LshJobStatus, RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { keptLogger, type KeptLogger } from '../kept-logger.ts';
import { KubeEnvironment } from './kube.ts';
import { Kubelet, type End } from './played-job-controller.ts';
import type { Account } from './ledger-check.ts';
import { installRbac, Operator, operatorKubeconfig, type OperatorOptions } from './operator.ts';
import { temporaryDirectory } from '../runs.ts';

/** Ends a test that has failed; no pace that a busy machine is held to. */
const WAIT_MS = 90_000;

/** All that was ever shown of one LshJob. */
interface Seen {
  runs: Map<string, RunEntry>;
  outcomes: Map<string, OutcomeEntry>;
}

export class OperatorCluster {
  readonly environment: KubeEnvironment;
  readonly admin: KubeClient;
  readonly kubelet: Kubelet;
  readonly kubeconfig: string;
  readonly logger: KeptLogger = keptLogger();
  readonly #lshJobs: Informer<LshJob>;
  readonly #seen = new Map<string, Seen>();
  readonly #behaviours = new Map<string, (job: KubeJob) => End>();
  readonly #waiting = new Set<() => void>();
  readonly #operators: { operator: Operator; remove: () => void }[] = [];

  private constructor(environment: KubeEnvironment, admin: KubeClient, kubeconfig: string) {
    this.environment = environment;
    this.admin = admin;
    this.kubeconfig = kubeconfig;
    const behave = (job: KubeJob): End => this.#behaviour(job);
    this.kubelet = new Kubelet({ client: admin, logger: this.logger, behave });
    this.#lshJobs = new Informer<LshJob>({ client: admin, logger: this.logger, path: lshJobPath() });
    this.#lshJobs.onChange(({ object }) => this.#remember(object));
    const look = () => {
      for (const again of this.#waiting) again();
    };
    this.#lshJobs.onChange(look);
    this.kubelet.onChange(look);
  }

  static async start(): Promise<OperatorCluster> {
    const environment = await KubeEnvironment.start();
    const admin = await environment.client();
    await installRbac(admin);
    const cluster = new OperatorCluster(environment, admin, await operatorKubeconfig(environment, admin));
    await cluster.kubelet.start();
    cluster.#lshJobs.start();
    await cluster.#lshJobs.synced();
    return cluster;
  }

  /** Starts a controller process; it is ended with the cluster. */
  operator(options: Partial<OperatorOptions> = {}): Operator {
    const { path, remove } = temporaryDirectory();
    const operator = new Operator({ kubeconfig: this.kubeconfig, stateDir: path, ...options });
    this.#operators.push({ operator, remove });
    return operator;
  }

  /** Ends every controller that was started. */
  async stopOperators(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    for (const { operator, remove } of this.#operators.splice(0)) {
      if (operator.process.exitCode === null) operator.process.kill('SIGCONT');
      await operator.stop(signal);
      remove();
    }
  }

  async stop(): Promise<void> {
    await this.stopOperators();
    await this.kubelet.stop();
    await this.#lshJobs.stop();
    await this.environment.stop();
  }

  /** How the Jobs of an LshJob end; the default is that they complete at once. */
  behave(name: string, behaviour: (job: KubeJob) => End): void {
    this.#behaviours.set(name, behaviour);
  }

  async create(name: string, spec: JobSpecInput, namespace = 'default'): Promise<LshJob> {
    const source = spec.args === undefined && spec.command === undefined ? { command: 'true' } : {};
    const body = {
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name },
      spec: { ...source, ...spec },
    };
    return this.admin.json<LshJob>({ method: 'POST', path: lshJobPath(namespace), body });
  }

  async patch(name: string, body: object, namespace = 'default'): Promise<LshJob> {
    return this.admin.json<LshJob>({
      method: 'PATCH',
      path: lshJobPath(namespace, name),
      contentType: 'application/merge-patch+json',
      body,
    });
  }

  async delete(name: string, namespace = 'default'): Promise<void> {
    await this.admin.request({ method: 'DELETE', path: lshJobPath(namespace, name) });
  }

  get(name: string, namespace = 'default'): LshJob | undefined {
    return this.#lshJobs.get(`${namespace}/${name}`);
  }

  /** Resolves with the first version of the object, now or to come, that holds. */
  async until(
    name: string,
    holds: (status: Partial<LshJobStatus>, object: LshJob) => boolean,
    namespace = 'default',
  ): Promise<LshJob> {
    const look = () => this.get(name, namespace);
    return this.waitFor(
      () => {
        const object = look();
        return object && holds(object.status ?? {}, object) ? object : undefined;
      },
      () => `${namespace}/${name} to be as wanted; it is ${JSON.stringify(look()?.status)}`,
    );
  }

  /** Resolves with the first value; looks again at each change of an LshJob or Job. */
  async waitFor<T>(look: () => T | undefined, what: string | (() => string), withinMs = WAIT_MS): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const again = () => {
      const value = look();
      if (value !== undefined) resolve(value);
    };
    this.#waiting.add(again);
    again();
    const limit = AbortSignal.timeout(withinMs);
    const giveUp = () => {
      const wanted = typeof what === 'string' ? what : what();
      reject(new Error(`waited in vain for ${wanted}; others: ${this.#report()}`));
    };
    limit.addEventListener('abort', giveUp);
    return promise.finally(() => {
      limit.removeEventListener('abort', giveUp);
      this.#waiting.delete(again);
    });
  }

  /** Every run that was ever shown of the LshJob. */
  runsOf(name: string, namespace = 'default'): RunEntry[] {
    return [...(this.#seen.get(`${namespace}/${name}`)?.runs.values() ?? [])];
  }

  /** Every stretch of slots without a run that was ever shown of it, the longest version of each. */
  outcomesOf(name: string, namespace = 'default'): OutcomeEntry[] {
    return [...(this.#seen.get(`${namespace}/${name}`)?.outcomes.values() ?? [])];
  }

  /**
   * How often each second from `from` to `to` (milliseconds) ran or was recorded as not run, of an LshJob that is due
   * each second: once, if nothing was doubled or lost.
   */
  accountOf(name: string, span: { from: number; to: number }, namespace = 'default'): Map<number, number> {
    const counts = new Map<number, number>();
    for (let slot = span.from; slot <= span.to; slot += 1000) counts.set(slot, 0);
    const count = (slot: number) => counts.set(slot, (counts.get(slot) ?? 0) + 1);
    for (const run of this.runsOf(name, namespace)) {
      if (run.attempt === 1 && run.trigger !== 'Manual') count(Date.parse(run.slot));
    }
    for (const { from, to } of this.outcomesOf(name, namespace)) {
      for (let slot = Date.parse(from); slot <= Date.parse(to); slot += 1000) count(slot);
    }
    return counts;
  }

  /** All that was ever shown of an LshJob with slots of every second, up to and including the instant. */
  ledgerOf({ metadata }: LshJob, until: number): Account {
    const { name, namespace } = metadata;
    const executions = [...this.kubelet.seen.values()]
      .filter((job) => job.owner === name && job.namespace === namespace)
      .map((job) => ({ run: job.name, slot: Date.parse(job.slot) }));
    return {
      name,
      after: Date.parse(metadata.creationTimestamp),
      until,
      runs: this.runsOf(name, namespace),
      outcomes: this.outcomesOf(name, namespace),
      executions,
      status: this.get(name, namespace)?.status,
    };
  }

  #behaviour(job: KubeJob): End {
    const owner = job.metadata.ownerReferences?.[0]?.name ?? '';
    const behaviour = this.#behaviours.get(owner);
    return behaviour === undefined ? 'Complete' : behaviour(job);
  }

  #remember(object: LshJob): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const seen = this.#seen.get(key) ?? { runs: new Map(), outcomes: new Map() };
    this.#seen.set(key, seen);
    for (const run of [...(object.status?.active ?? []), ...(object.status?.recentRuns ?? [])])
      seen.runs.set(run.name, run);
    const outcomes = object.status?.recentOutcomes ?? [];
    // What is of the time that is shown, and not shown itself, was taken back. Fewer than all that fit are all there are.
    const shownFrom = outcomes.length < OUTCOMES_SHOWN ? '' : outcomes.at(-1)!.from;
    for (const [from, { to }] of seen.outcomes) if (to >= shownFrom) seen.outcomes.delete(from);
    for (const outcome of outcomes) seen.outcomes.set(outcome.from, outcome);
  }

  #report(): string {
    const objects = [...this.#lshJobs.values()].map(({ metadata, status }) => ({
      name: metadata.name,
      status,
    }));
    const said = this.#operators.map(({ operator }) => operator.said()).join('\n');
    return `${JSON.stringify(objects).slice(0, 4000)}\n${said}`;
  }
}
