// Acts as the Job controller, the garbage collector and the nodes, which an API server alone lacks: it ends Jobs as the
// test says, completes foreground deletions, and ends Pods whose deadline has passed.
import type { Logger } from '../../../src/control/ports.ts';
import { isNotFound, statusCode } from '../../../src/kubernetes/api/api-errors.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { Informer } from '../../../src/kubernetes/api/watch/informer.ts';
import { hasEnded, type KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { kubeJobPath, RUN_LABEL, SLOT_ANNOTATION } from '../../../src/kubernetes/objects/kube-job.ts';
import type { Pod } from '../../../src/kubernetes/objects/pod.ts';
import { eventually } from '../eventually.ts';

/** How a Job ends. */
export type End = 'Complete' | 'Failed' | 'DeadlineExceeded';
/** How a Job behaves: it ends, it runs a Pod until the test ends it, or (undefined) it gets no Pod. */
export type Behaviour = End | 'Run' | undefined;

export interface PlayedJobControllerOptions {
  client: KubeClient;
  logger: Logger;
  /** Called when a Job appears. */
  behave: (job: KubeJob) => Behaviour;
}

/** A Job that existed at some time. */
export interface SeenJob {
  name: string;
  namespace: string;
  /** Name of its LshJob. */
  owner: string;
  /** RFC 3339. */
  slot: string;
  /** When the Job was first seen, milliseconds since the epoch. */
  at: number;
}

export class PlayedJobController {
  readonly #options: PlayedJobControllerOptions;
  readonly #informer: Informer<KubeJob>;
  readonly #pods: Informer<Pod>;
  /** Every Job that ever existed, by uid. */
  readonly seen = new Map<string, SeenJob>();
  readonly failures: unknown[] = [];
  readonly #ended = new Set<string>();
  /** Uids of Jobs with a Pod. */
  readonly #withPod = new Set<string>();

  constructor(options: PlayedJobControllerOptions) {
    this.#options = options;
    const { client, logger } = options;
    this.#informer = new Informer<KubeJob>({ client, logger, path: '/apis/batch/v1/jobs' });
    this.#informer.onChange(({ type, object }) => {
      const { uid, name, namespace = '', ownerReferences = [] } = object.metadata;
      const owner = ownerReferences[0]?.name ?? '';
      const slot = object.metadata.annotations?.[SLOT_ANNOTATION] ?? '';
      if (!this.seen.has(uid)) this.seen.set(uid, { name, namespace, owner, slot, at: Date.now() });
      if (type !== 'Deleted') this.#act(object).catch((error: unknown) => this.failures.push(error));
    });
    this.#pods = new Informer<Pod>({ client, logger, path: '/api/v1/pods', labelSelector: RUN_LABEL });
    this.#pods.onChange(({ type, object }) => {
      const isDue = type !== 'Deleted' && object.spec?.activeDeadlineSeconds === 1;
      if (isDue) this.#passDeadline(object).catch((error: unknown) => this.failures.push(error));
    });
  }

  async start(): Promise<void> {
    this.#informer.start();
    this.#pods.start();
    await Promise.all([this.#informer.synced(), this.#pods.synced()]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#informer.stop(), this.#pods.stop()]);
  }

  /** The current Jobs of an LshJob. */
  jobsOf(owner: string, namespace = 'default'): KubeJob[] {
    return [...this.#informer.values()].filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.ownerReferences?.[0]?.name === owner,
    );
  }

  /** Names of all Jobs that an LshJob ever had, in the order of their appearance. */
  namesOf(owner: string, namespace = 'default'): string[] {
    return [...this.seen.values()]
      .filter((job) => job.owner === owner && job.namespace === namespace)
      .map(({ name }) => name);
  }

  /** When each Job was first seen, milliseconds since the epoch. */
  seenAt(): number[] {
    return [...this.seen.values()].map(({ at }) => at);
  }

  onChange(listener: () => void): void {
    this.#informer.onChange(listener);
  }

  /** Ends a Job as the Job controller would. */
  async end({ metadata }: KubeJob, end: End): Promise<void> {
    if (this.#ended.has(metadata.uid)) return;
    this.#ended.add(metadata.uid);
    if (this.#withPod.has(metadata.uid)) {
      const ended = end === 'Complete' ? { phase: 'Succeeded' } : { phase: 'Failed' };
      await this.#patchPod(metadata, { ...ended, ...terminated(end === 'Complete' ? 0 : 1) });
    }
    await this.#patch(`${pathOf(metadata)}/status`, { status: endedStatus(metadata.creationTimestamp, end) });
  }

  async #act(job: KubeJob): Promise<void> {
    const { deletionTimestamp, finalizers } = job.metadata;
    if (deletionTimestamp !== undefined && finalizers?.includes('foregroundDeletion')) {
      await this.#deletePod(job);
      await this.#patch(pathOf(job.metadata), { metadata: { finalizers: null } });
      return;
    }
    if (deletionTimestamp !== undefined || hasEnded(job) || job.metadata.labels?.[RUN_LABEL] === undefined)
      return;
    const behaviour = this.#options.behave(job);
    if (behaviour === 'Run') await this.#runPod(job);
    else if (behaviour !== undefined) await this.end(job, behaviour);
  }

  /** Creates the Pod of the Job, and acts as the node that runs it. */
  async #runPod({ metadata, spec }: KubeJob): Promise<void> {
    const { name, namespace, uid } = metadata;
    if (this.#withPod.has(uid)) return;
    this.#withPod.add(uid);
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const { labels } = spec!.template.metadata!;
    const body = { metadata: { name, labels }, spec: spec!.template.spec };
    await this.#options.client.request({ method: 'POST', path, body });
    await this.#patchPod(metadata, { phase: 'Running', ...container({ running: { startedAt: now() } }) });
  }

  /** As a node ends a Pod, and as the Job controller then ends its Job. */
  async #passDeadline({ metadata }: Pod): Promise<void> {
    const kubeJob = this.#informer.get(`${metadata.namespace}/${metadata.name}`);
    if (kubeJob === undefined || !this.#withPod.delete(kubeJob.metadata.uid)) return;
    await this.#patchPod(metadata, { phase: 'Failed', reason: 'DeadlineExceeded', ...terminated(143) });
    await this.end(kubeJob, 'Failed');
  }

  async #patchPod({ name, namespace }: KubeJob['metadata'], status: object): Promise<void> {
    await this.#patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, { status });
  }

  async #deletePod({ metadata: { uid, name, namespace } }: KubeJob): Promise<void> {
    if (!this.#withPod.delete(uid)) return;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    await this.#options.client.request({ method: 'DELETE', path }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  /** Retries while the API server does not answer. */
  async #patch(path: string, body: object): Promise<void> {
    await eventually(() => this.#patchOnce(path, body), { what: `a change of ${path}` });
  }

  async #patchOnce(path: string, body: object): Promise<boolean> {
    try {
      const contentType = 'application/merge-patch+json';
      await this.#options.client.request({ method: 'PATCH', path, contentType, body });
      return true;
    } catch (error) {
      if (isNotFound(error)) return true;
      if (statusCode(error) === undefined) return false;
      throw error;
    }
  }
}

function pathOf({ namespace = '', name }: KubeJob['metadata']): string {
  return kubeJobPath(namespace, name);
}

function container(state: object): object {
  return {
    containerStatuses: [{ name: 'run', image: 'i', imageID: '', ready: true, restartCount: 0, state }],
  };
}

function terminated(exitCode: number): object {
  return container({ running: null, terminated: { exitCode, startedAt: now(), finishedAt: now() } });
}

/** The time as the API server writes it. */
function now(): string {
  return new Date().toISOString().replace(/\.\d+Z/, 'Z');
}

/** A status that any Job controller since 1.20 could write. */
function endedStatus(startTime: string, end: End): object {
  const time = now();
  const reason = end === 'DeadlineExceeded' ? end : 'BackoffLimitExceeded';
  const condition = (type: string) => ({
    type,
    status: 'True',
    lastProbeTime: time,
    lastTransitionTime: time,
    ...(end !== 'Complete' && { reason, message: `${reason}.` }),
  });
  if (end === 'Complete') {
    const conditions = [condition('SuccessCriteriaMet'), condition('Complete')];
    return { startTime, completionTime: time, succeeded: 1, conditions };
  }
  return { startTime, failed: 1, conditions: [condition('FailureTarget'), condition('Failed')] };
}
