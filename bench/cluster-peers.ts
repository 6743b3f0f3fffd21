// The peer of the cluster bench: the same numbers of CronJobs with Kubernetes' controller on the same API server.
import type { KubeClient } from '../src/kubernetes/api/client.ts';
import { NO_MANAGER, type KubeEnvironment } from '../test/support/cluster/kube.ts';
import { idleCpuOf, idleOf, leadMs, minuteAfter, Scene, scheduleAt, unstartedJob } from './cluster-scene.ts';
import { DUE, FEW, MANY, MINUTE, MORE_DUE, type Due, type Many } from './cluster-sizes.ts';
import { rssMb } from './lsh-process.ts';

const TUNED = [
  '--kube-api-qps=1000',
  '--kube-api-burst=2000',
  '--concurrent-cron-job-syncs=50',
  '--concurrent-job-syncs=20',
];
const SETTINGS = [
  ['stock', []],
  ['tuned', TUNED],
] as const;

export interface CronJobController {
  /** Name and settings of the controller. */
  name: string;
  due: Due;
  moreDue: Due;
  many: Many;
}

/** Measures the controller with its default flags and with tuned flags; empty if its binary is missing. */
export async function cronJobControllers(
  environment: KubeEnvironment,
  client: KubeClient,
): Promise<CronJobController[]> {
  if (NO_MANAGER) return [];
  const { minor } = await client.json<{ minor: string }>({ path: '/version' });
  const old = Number.parseInt(minor, 10) < 21;
  const gates = old ? ['--feature-gates=CronJobControllerV2=true'] : [];
  const results: CronJobController[] = [];
  for (const [name, flags] of SETTINGS) {
    await environment.startControllerManager(['--controllers=cronjob,job', ...gates, ...flags]);
    const measured = new Measured(client, environment.controllerManagerPid!, old ? 'v1beta1' : 'v1');
    const due = await measured.dueTogether(`cron-due-${name}`, DUE);
    const moreDue = await measured.dueTogether(`cron-more-${name}`, MORE_DUE);
    const many = await measured.fewOfMany(`cron-many-${name}`);
    results.push({ name: `CronJob controller, ${name}`, due, moreDue, many });
    await environment.stopControllerManager();
  }
  return results;
}

class Measured {
  readonly #client: KubeClient;
  readonly #pid: number;
  readonly #version: string;

  constructor(client: KubeClient, pid: number, version: string) {
    this.#client = client;
    this.#pid = pid;
    this.#version = version;
  }

  async dueTogether(namespace: string, count: number): Promise<Due> {
    const scene = await Scene.open(this.#client, namespace);
    const dueAt = minuteAfter(leadMs(count));
    await this.#create(scene, 'due', count, scheduleAt(dueAt));
    const before = await idleOf(this.#pid);
    const lags = await scene.lags(dueAt, count, MINUTE);
    const due = { count, lags, rssMb: rssMb(this.#pid), cpuMs: (await idleOf(this.#pid)) - before };
    await this.#clear(scene);
    return due;
  }

  async fewOfMany(namespace: string): Promise<Many> {
    const scene = await Scene.open(this.#client, namespace);
    await this.#create(scene, 'yearly', MANY - FEW, '@yearly');
    const idleCpuMs = await idleCpuOf(this.#pid);
    const dueAt = minuteAfter(5_000);
    await this.#create(scene, 'few', FEW, scheduleAt(dueAt));
    const lags = await scene.lags(dueAt, FEW, MINUTE);
    const many = { lags, rssMb: rssMb(this.#pid), idleCpuMs };
    await this.#clear(scene);
    return many;
  }

  #create(scene: Scene, prefix: string, count: number, schedule: string): Promise<void> {
    return scene.createAll(this.#path(scene), count, (index) => ({
      apiVersion: `batch/${this.#version}`,
      kind: 'CronJob',
      metadata: { name: `${prefix}-${index}` },
      spec: { schedule, jobTemplate: { spec: unstartedJob() } },
    }));
  }

  async #clear(scene: Scene): Promise<void> {
    await scene.clear(this.#path(scene));
    await scene.close();
  }

  #path({ namespace }: Scene): string {
    return `/apis/batch/${this.#version}/namespaces/${namespace}/cronjobs`;
  }
}
