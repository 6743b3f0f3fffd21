// The operator on a real API server: LshJobs due together, their ends meanwhile, and ten thousand of which twenty are due.
// Compares it with bare POSTs and with the CronJob controller on the same server in the same run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BatchV1Api } from '@kubernetes/client-node';
import type { KubeClient } from '../src/kubernetes/api/client.ts';
import { lshJobPath } from '../src/kubernetes/objects/lsh-job.ts';
import { KubeEnvironment } from '../test/support/cluster/kube.ts';
import { installRbac, Operator, operatorKubeconfig } from '../test/support/cluster/operator.ts';
import { cronJobControllers } from './cluster-peers.ts';
import { endsTogether } from './cluster-ends.ts';
import { clusterRowsOf } from './cluster-rows.ts';
import {
  idleCpuOf,
  idleOf,
  leadMs,
  minuteAfter,
  Scene,
  scheduleAt,
  socketsTo,
  unstartedJob,
} from './cluster-scene.ts';
import { DUE, FEW, MANY, MINUTE, MORE_DUE, type Due, type Many } from './cluster-sizes.ts';
import { rssMb } from './lsh-process.ts';
import type { Row } from './row.ts';

export async function clusterRows(): Promise<Row[]> {
  const environment = await KubeEnvironment.start();
  const client = await environment.client();
  const stateDir = mkdtempSync(join(tmpdir(), 'lsh-bench-'));
  try {
    await installRbac(client);
    const floorMs = await bareCreates(client, 'floor', DUE);
    const moreFloorMs = await bareCreates(client, 'more-floor', MORE_DUE);
    const typedPerSecond = await typedCreates(client);
    const kubeconfig = await operatorKubeconfig(environment, client);
    const operator = await new Operator({ kubeconfig, stateDir }).leads();
    const port = Number(new URL(environment.server).port);
    const due = await withSockets(operator, port, () => dueTogether(client, operator, DUE));
    const moreDue = await dueTogether(client, operator, MORE_DUE);
    const endLags = await endsTogether(client, DUE);
    const moreEndLags = await endsTogether(client, MORE_DUE);
    const many = await withSockets(operator, port, () => fewOfMany(client, operator));
    await operator.stop();
    return clusterRowsOf({
      floorMs,
      moreFloorMs,
      typedPerSecond,
      due: due.measured,
      moreDue,
      endLags,
      moreEndLags,
      many: many.measured,
      sockets: { due: due.sockets, many: many.sockets },
      peers: await cronJobControllers(environment, client),
    });
  } finally {
    await environment.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

const idleJob = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: unstartedJob(),
});

/** Duration of creating the Jobs by bare POSTs on one connection, milliseconds. */
async function bareCreates(client: KubeClient, namespace: string, count: number): Promise<number> {
  const scene = await Scene.open(client, namespace);
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const bodies = Array.from({ length: count }, (_, index) => idleJob(`floor-${index}`));
  const startedAt = performance.now();
  await Promise.all(bodies.map((body) => client.json({ method: 'POST', path, body })));
  const tookMs = performance.now() - startedAt;
  await scene.clear();
  await scene.close();
  return tookMs;
}

/** Creates a second with the library's typed client. */
async function typedCreates(client: KubeClient): Promise<number> {
  const scene = await Scene.open(client, 'typed');
  const api = client.api(BatchV1Api);
  const bodies = Array.from({ length: DUE }, (_, index) => idleJob(`typed-${index}`));
  const startedAt = performance.now();
  await Promise.all(bodies.map((body) => api.createNamespacedJob({ namespace: 'typed', body })));
  const perSecond = (DUE * 1000) / (performance.now() - startedAt);
  await scene.clear();
  await scene.close();
  return perSecond;
}

async function dueTogether(client: KubeClient, operator: Operator, count: number): Promise<Due> {
  const scene = await Scene.open(client, `due-${count}`);
  const pid = operator.process.pid!;
  const dueAt = minuteAfter(leadMs(count));
  await scene.createLshJobs('due', count, { schedule: scheduleAt(dueAt) });
  const before = await idleOf(pid);
  const lags = await scene.lags(dueAt, count, MINUTE);
  const due = { count, lags, rssMb: rssMb(pid), cpuMs: (await idleOf(pid)) - before };
  await scene.clear(lshJobPath(scene.namespace));
  await scene.close();
  return due;
}

async function fewOfMany(client: KubeClient, operator: Operator): Promise<Many> {
  const scene = await Scene.open(client, 'many');
  const pid = operator.process.pid!;
  await scene.createLshJobs('yearly', MANY - FEW, { schedule: '@yearly' });
  const idleCpuMs = await idleCpuOf(pid);
  const dueAt = minuteAfter(5_000);
  await scene.createLshJobs('few', FEW, { schedule: scheduleAt(dueAt) });
  const lags = await scene.lags(dueAt, FEW, MINUTE);
  const many = { lags, rssMb: rssMb(pid), idleCpuMs };
  await scene.clear(lshJobPath('many'));
  await scene.close();
  return many;
}

/** Measures, and records the peak number of the operator's connections meanwhile. */
async function withSockets<T>(
  { process }: Operator,
  port: number,
  measure: () => Promise<T>,
): Promise<{ measured: T; sockets: number }> {
  const measured = new AbortController();
  const most = (async () => {
    let sockets = 0;
    while (!measured.signal.aborted) {
      sockets = Math.max(sockets, socketsTo(process.pid!, port));
      await wait(50);
    }
    return sockets;
  })();
  try {
    const result = await measure();
    measured.abort();
    return { measured: result, sockets: await most };
  } finally {
    measured.abort();
  }
}
