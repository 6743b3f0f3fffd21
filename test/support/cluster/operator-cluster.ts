// An API server with the operator’s rights, a played Job controller, and a record of everything that the server showed of
// each LshJob. Tests wait for its watches, and check afterwards that no slot ran twice or was lost.
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import type { KubeList, KubeObject } from '../../../src/kubernetes/api/objects.ts';
import { Informer } from '../../../src/kubernetes/api/watch/informer.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import type { KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { OUTCOMES_SHOWN, type OutcomeEntry } from '../../../src/kubernetes/objects/lsh-job-outcomes.ts';
import type { LshJobStatus, RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { eventually } from '../eventually.ts';
import { keptLogger, type KeptLogger } from '../kept-logger.ts';
import { createNamespace } from './cluster-cli.ts';
import { KubeEnvironment, type KubeOptions } from './kube.ts';
import { PlayedJobController, type Behaviour } from './played-job-controller.ts';
import type { Account } from './ledger-check.ts';
import { installRbac, Operator, operatorKubeconfig, type OperatorOptions } from './operator.ts';

/** Ends a failed test; long enough for a busy machine. */
const WAIT_MS = 90_000;

interface EventObject extends KubeObject {
  type: string;
  reason: string;
  message: string;
}

/** Everything that the API server ever showed of one LshJob. */
interface Seen {
  runs: Map<string, RunEntry>;
  outcomes: Map<string, OutcomeEntry>;
}

export class OperatorCluster {
  readonly environment: KubeEnvironment;
  readonly admin: KubeClient;
  readonly jobController: PlayedJobController;
  readonly kubeconfig: string;
  readonly logger: KeptLogger = keptLogger();
  readonly #lshJobs: Informer<LshJob>;
  readonly #seen = new Map<string, Seen>();
  readonly #behaviours = new Map<string, (job: KubeJob) => Behaviour>();
  readonly #waiting = new Set<() => void>();
  readonly #operators: { operator: Operator; remove: () => void }[] = [];

  private constructor(environment: KubeEnvironment, admin: KubeClient, kubeconfig: string) {
    this.environment = environment;
    this.admin = admin;
    this.kubeconfig = kubeconfig;
    const behave = (job: KubeJob): Behaviour => this.#behaviour(job);
    this.jobController = new PlayedJobController({ client: admin, logger: this.logger, behave });
    this.#lshJobs = new Informer<LshJob>({ client: admin, logger: this.logger, path: lshJobPath() });
    this.#lshJobs.onChange(({ object }) => this.#remember(object));
    const checkAll = () => {
      for (const check of this.#waiting) check();
    };
    this.#lshJobs.onChange(checkAll);
    this.jobController.onChange(checkAll);
  }

  static async start(options?: KubeOptions): Promise<OperatorCluster> {
    const environment = await KubeEnvironment.start(options);
    const admin = await environment.client();
    await installRbac(admin);
    const cluster = new OperatorCluster(environment, admin, await operatorKubeconfig(environment, admin));
    await cluster.jobController.start();
    cluster.#lshJobs.start();
    await cluster.#lshJobs.synced();
    return cluster;
  }

  /** A client with the rights of the operator. */
  clientOfOperator(): KubeClient {
    return this.environment.clientOf(() => {
      const config = new KubeConfig();
      config.loadFromFile(this.kubeconfig);
      return config;
    });
  }

  /** Creates the namespace, and resolves with its name. */
  async createNamespace(name: string): Promise<string> {
    await createNamespace(this.admin, name);
    return name;
  }

  /** Starts a controller process, which ends with the cluster. */
  operator(options: Partial<OperatorOptions> = {}): Operator {
    const directory = mkdtempDisposableSync(join(tmpdir(), 'lsh-test-'));
    const operator = new Operator({ kubeconfig: this.kubeconfig, stateDir: directory.path, ...options });
    this.#operators.push({ operator, remove: () => directory.remove() });
    return operator;
  }

  /** Ends every started controller. */
  async stopOperators(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    for (const { operator, remove } of this.#operators.splice(0)) {
      if (operator.process.exitCode === null) operator.process.kill('SIGCONT');
      await operator.stop(signal);
      remove();
    }
  }

  async stop(): Promise<void> {
    await this.stopOperators();
    await this.jobController.stop();
    await this.#lshJobs.stop();
    await this.environment.stop();
  }

  /** Sets how the Jobs of an LshJob behave; by default they complete at once. */
  behave(name: string, behaviour: (job: KubeJob) => Behaviour): void {
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

  /** Resolves with the first current or future version of the LshJob that meets the condition. */
  async until(
    name: string,
    isMet: (status: Partial<LshJobStatus>, lshJob: LshJob) => boolean,
    namespace = 'default',
  ): Promise<LshJob> {
    return this.waitFor(
      () => {
        const lshJob = this.get(name, namespace);
        return lshJob && isMet(lshJob.status ?? {}, lshJob) ? lshJob : undefined;
      },
      () => `a status of ${namespace}/${name}; it is ${JSON.stringify(this.get(name, namespace)?.status)}`,
    );
  }

  /** Resolves with the first value of `look`, which runs at each change of an LshJob or a Job. */
  async waitFor<T>(look: () => T | undefined, what: string | (() => string), withinMs = WAIT_MS): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = () => {
      const value = look();
      if (value !== undefined) resolve(value);
    };
    this.#waiting.add(check);
    check();
    const limit = AbortSignal.timeout(withinMs);
    const giveUp = () => {
      const wanted = typeof what === 'string' ? what : what();
      reject(new Error(`waited in vain for ${wanted}; others: ${this.#report()}`));
    };
    limit.addEventListener('abort', giveUp);
    return promise.finally(() => {
      limit.removeEventListener('abort', giveUp);
      this.#waiting.delete(check);
    });
  }

  /** Resolves with the Event of that reason about the LshJob. */
  eventOf(name: string, reason: string): Promise<EventObject> {
    return eventually(async () => {
      const { items } = await this.admin.json<KubeList<EventObject>>({
        path: '/api/v1/namespaces/default/events',
        query: { fieldSelector: `involvedObject.name=${name}` },
      });
      return items.find((event) => event.reason === reason);
    });
  }

  /** Every run that the API server ever showed of the LshJob. */
  runsOf(name: string, namespace = 'default'): RunEntry[] {
    return [...(this.#seen.get(`${namespace}/${name}`)?.runs.values() ?? [])];
  }

  /** Every stretch of slots without a run that it ever showed, each in its longest version. */
  outcomesOf(name: string, namespace = 'default'): OutcomeEntry[] {
    return [...(this.#seen.get(`${namespace}/${name}`)?.outcomes.values() ?? [])];
  }

  /**
   * The number of runs and outcomes of each second from `from` to `to` (milliseconds), for an LshJob that is due each
   * second: 1 unless a slot was doubled or lost.
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

  /** The account of an LshJob that is due each second, up to and including the instant. */
  ledgerOf({ metadata }: LshJob, until: number): Account {
    const { name, namespace } = metadata;
    const executions = [...this.jobController.seen.values()]
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

  #behaviour(job: KubeJob): Behaviour {
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
    // A stretch that the shown range no longer has was corrected. Fewer stretches than fit are all of them.
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
