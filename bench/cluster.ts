// The operator on a real API server: a thousand LshJobs due in one minute, and ten thousand of which twenty are due.
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
import { clusterRowsOf } from './cluster-rows.ts';
import { idleCpuOf, minuteAfter, Scene, scheduleAt, socketsTo, unstartedJob } from './cluster-scene.ts';
import { DUE, FEW, MANY, MINUTE, type Due, type Many } from './cluster-sizes.ts';
import { cpuMs, rssMb } from './lsh-process.ts';
import type { Row } from './row.ts';

/** Time to create the objects before they are due. */
const LEAD_MS = 45_000;

export async function clusterRows(): Promise<Row[]> {
  const environment = await KubeEnvironment.start();
  const client = await environment.client();
  const stateDir = mkdtempSync(join(tmpdir(), 'lsh-bench-'));
  try {
    await installRbac(client);
    const floorMs = await bareCreates(client);
    const typedPerSecond = await typedCreates(client);
    const kubeconfig = await operatorKubeconfig(environment, client);
    const operator = await new Operator({ kubeconfig, stateDir }).leads();
    const port = Number(new URL(environment.server).port);
    const due = await withSockets(operator, port, () => dueTogether(client, operator));
    const many = await withSockets(operator, port, () => fewOfMany(client, operator));
    await operator.stop();
    return clusterRowsOf({
      floorMs,
      typedPerSecond,
      due: due.measured,
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
async function bareCreates(client: KubeClient): Promise<number> {
  const scene = await Scene.open(client, 'floor');
  const path = '/apis/batch/v1/namespaces/floor/jobs';
  const bodies = Array.from({ length: DUE }, (_, index) => idleJob(`floor-${index}`));
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

async function dueTogether(client: KubeClient, operator: Operator): Promise<Due> {
  const scene = await Scene.open(client, 'due');
  const pid = operator.process.pid!;
  const dueAt = minuteAfter(LEAD_MS);
  await scene.createLshJobs('due', DUE, { schedule: scheduleAt(dueAt) });
  const before = cpuMs(pid);
  const lags = await scene.lags(dueAt, DUE, MINUTE);
  const due = { lags, rssMb: rssMb(pid), cpuMs: cpuMs(pid) - before };
  await scene.clear(lshJobPath('due'));
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
