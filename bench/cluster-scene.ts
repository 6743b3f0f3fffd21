// The scene of the cluster bench: objects in a namespace of their own on a real API server, and a watch that records
// when each Job first appears.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { V1JobSpec } from '@kubernetes/client-node';
import type { JobSpecInput } from '../src/core/spec/job-spec.ts';
import type { KubeClient } from '../src/kubernetes/api/client.ts';
import { isNotFound } from '../src/kubernetes/api/api-errors.ts';
import { Informer } from '../src/kubernetes/api/watch/informer.ts';
import { listAll } from '../src/kubernetes/api/list-all.ts';
import type { KubeObject } from '../src/kubernetes/api/objects.ts';
import { lshJobPath } from '../src/kubernetes/objects/lsh-job.ts';
import type { KubeJob } from '../src/kubernetes/objects/kube-job-run.ts';
import { keptLogger } from '../test/support/kept-logger.ts';
import { MINUTE } from './cluster-sizes.ts';
import { cpuMs } from './lsh-process.ts';

const AT_ONCE = 100;
const PAGE_SIZE = 500;

export class Scene {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly #jobs: Informer<KubeJob>;
  /** When the watch first reported each Job, milliseconds. */
  readonly seenAt: number[] = [];

  private constructor(client: KubeClient, namespace: string) {
    this.client = client;
    this.namespace = namespace;
    this.#jobs = new Informer<KubeJob>({
      client,
      logger: keptLogger(),
      path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      trim: ({ metadata }) => ({ metadata }),
    });
    this.#jobs.onChange(({ type }) => {
      if (type === 'Added') this.seenAt.push(Date.now());
    });
  }

  static async open(client: KubeClient, namespace: string): Promise<Scene> {
    const body = { metadata: { name: namespace } };
    await client.json({ method: 'POST', path: '/api/v1/namespaces', body });
    const scene = new Scene(client, namespace);
    scene.#jobs.start();
    await scene.#jobs.synced();
    return scene;
  }

  /** Creates `count` objects under the path; `body` makes the object of an index. */
  async createAll(path: string, count: number, body: (index: number) => object): Promise<void> {
    for (let from = 0; from < count; from += AT_ONCE) {
      const indexes = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => from + i);
      await Promise.all(indexes.map((i) => this.client.json({ method: 'POST', path, body: body(i) })));
    }
  }

  async createLshJobs(prefix: string, count: number, spec: JobSpecInput): Promise<void> {
    await this.createAll(lshJobPath(this.namespace), count, (index) => ({
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name: `${prefix}-${index}` },
      spec: { command: 'true', ...spec },
    }));
  }

  /** Lags of the Jobs behind the instant, milliseconds. Waits for `count` Jobs, at most `lateMs` after the instant. */
  async lags(dueAt: number, count: number, lateMs: number): Promise<number[]> {
    const before = this.seenAt.length;
    while (this.seenAt.length - before < count && Date.now() < dueAt + lateMs) await wait(20);
    return this.seenAt.slice(before).map((at) => at - dueAt);
  }

  /** Deletes the owners under the path, then every Job of the namespace. */
  async clear(owners?: string): Promise<void> {
    const jobs = `/apis/batch/v1/namespaces/${this.namespace}/jobs`;
    for (const path of owners === undefined ? [jobs] : [owners, jobs]) await this.#deleteAll(path);
  }

  /** Deletes objects one by one: deleting ten thousand in one call exceeds the server’s time limit. */
  async #deleteAll(path: string): Promise<void> {
    const { items } = await listAll<KubeObject>(this.client, { path, query: {}, pageSize: PAGE_SIZE });
    const body = { propagationPolicy: 'Background' };
    const remove = async ({ metadata }: KubeObject): Promise<void> => {
      await this.client
        .request({ method: 'DELETE', path: `${path}/${metadata.name}`, body })
        .catch(ignoreGone);
    };
    for (let from = 0; from < items.length; from += AT_ONCE)
      await Promise.all(items.slice(from, from + AT_ONCE).map(remove));
  }

  /** Stops the watch. */
  async close(): Promise<void> {
    await this.#jobs.stop();
  }
}

/** A Job that never has Pods: `parallelism: 0` also works on servers without `suspend`. */
export function unstartedJob(): V1JobSpec {
  const containers = [{ name: 'command', image: 'busybox:stable', command: ['/bin/sh', '-c', 'true'] }];
  const template = { spec: { restartPolicy: 'Never', containers } };
  return { parallelism: 0, suspend: true, backoffLimit: 0, template };
}

/** Waits until the process is idle. Resolves with its CPU so far, milliseconds. */
export async function idleOf(pid: number): Promise<number> {
  let before: number;
  do {
    before = cpuMs(pid);
    await wait(2_000);
  } while (cpuMs(pid) - before > 100);
  return cpuMs(pid);
}

/** CPU of the process in an idle minute, milliseconds. A whole one: a collection of garbage may fall into any part of it. */
export async function idleCpuOf(pid: number): Promise<number> {
  const before = await idleOf(pid);
  await wait(MINUTE);
  return cpuMs(pid) - before;
}

/** Ignores a missing object: Kubernetes deletes it with its owner. */
function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

/** Time to create so many objects before they are due, milliseconds. */
export function leadMs(count: number): number {
  return 45_000 + 15 * count;
}

/** The next full minute at least `leadMs` from now. */
export function minuteAfter(leadMs: number): number {
  return Math.ceil((Date.now() + leadMs) / MINUTE) * MINUTE;
}

/** A cron expression for the minute of the instant, in UTC. */
export function scheduleAt(instant: number): string {
  const date = new Date(instant);
  return `${date.getUTCMinutes()} ${date.getUTCHours()} * * *`;
}

/** TCP connections that the process has open to the port. */
export function socketsTo(pid: number, port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[2]?.endsWith(suffix))
    .map((fields) => `socket:[${fields[9]}]`);
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  return inodes.filter((inode) => open.has(inode)).length;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // the process has closed it
  }
}
