// How soon the end of a Job is in the status of its LshJob, while other Jobs are created. The bench ends each Job as it
// appears, as the Job controller would; the Jobs have no Pods.
import type { KubeClient } from '../src/kubernetes/api/client.ts';
import { Informer } from '../src/kubernetes/api/watch/informer.ts';
import { kubeJobPath } from '../src/kubernetes/objects/kube-job.ts';
import type { KubeJob } from '../src/kubernetes/objects/kube-job-run.ts';
import { lshJobPath, type LshJob } from '../src/kubernetes/objects/lsh-job.ts';
import { eventually } from '../test/support/eventually.ts';
import { keptLogger } from '../test/support/kept-logger.ts';
import { leadMs, minuteAfter, Scene, scheduleAt } from './cluster-scene.ts';
import { MINUTE } from './cluster-sizes.ts';

/** Lags of the statuses behind the ends of Jobs that ended before the last Job was created, milliseconds. */
export async function endsTogether(client: KubeClient, count: number): Promise<number[]> {
  const scene = await Scene.open(client, `ends-${count}`);
  const ends = new Ends(client, scene.namespace);
  await ends.start();
  const dueAt = minuteAfter(leadMs(count));
  await scene.createLshJobs('ends', count, { schedule: scheduleAt(dueAt) });
  await scene.lags(dueAt, count, MINUTE);
  const until = Math.max(...scene.seenAt);
  await eventually(() => ends.shown >= count, { what: 'the end of each run', withinMs: MINUTE });
  await ends.stop();
  await scene.clear(lshJobPath(scene.namespace));
  await scene.close();
  return ends.lags(until);
}

class Ends {
  readonly #client: KubeClient;
  readonly #jobs: Informer<KubeJob>;
  readonly #lshJobs: Informer<LshJob>;
  /** When each Job ended and when the status showed it, milliseconds, by the name of the LshJob. */
  readonly #endedAt = new Map<string, number>();
  readonly #shownAt = new Map<string, number>();

  constructor(client: KubeClient, namespace: string) {
    const options = { client, logger: keptLogger() };
    this.#client = client;
    this.#jobs = new Informer<KubeJob>({ ...options, path: kubeJobPath(namespace) });
    this.#lshJobs = new Informer<LshJob>({ ...options, path: lshJobPath(namespace) });
    this.#jobs.onChange(({ type, object }) => {
      if (type === 'Added') void this.#end(object);
    });
    this.#lshJobs.onChange(({ object: { metadata, status } }) => {
      const isShown = (status?.recentRuns?.length ?? 0) > 0;
      if (isShown && !this.#shownAt.has(metadata.name)) this.#shownAt.set(metadata.name, Date.now());
    });
  }

  /** Number of LshJobs whose status shows the end. */
  get shown(): number {
    return this.#shownAt.size;
  }

  async start(): Promise<void> {
    for (const informer of [this.#jobs, this.#lshJobs]) informer.start();
    await Promise.all([this.#jobs.synced(), this.#lshJobs.synced()]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#jobs.stop(), this.#lshJobs.stop()]);
  }

  lags(until: number): number[] {
    const before = [...this.#endedAt].filter(([, at]) => at <= until);
    return before.map(([name, at]) => (this.#shownAt.get(name) ?? Infinity) - at);
  }

  async #end({ metadata }: KubeJob): Promise<void> {
    const time = new Date().toISOString();
    const condition = (type: string) => ({
      type,
      status: 'True',
      lastProbeTime: time,
      lastTransitionTime: time,
    });
    const conditions = [condition('SuccessCriteriaMet'), condition('Complete')];
    const status = { startTime: metadata.creationTimestamp, completionTime: time, succeeded: 1, conditions };
    await this.#client.request({
      method: 'PATCH',
      path: `${kubeJobPath(metadata.namespace!, metadata.name)}/status`,
      contentType: 'application/merge-patch+json',
      body: { status },
    });
    this.#endedAt.set(metadata.ownerReferences![0]!.name, Date.now());
  }
}
