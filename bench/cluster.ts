// The operator on a real API server: a thousand LshJobs due in the same minute and ten thousand of which twenty are,
// against bare POSTs and against the CronJob controller on the same server in the same run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BatchV1Api, type V1JobSpec } from '@kubernetes/client-node';
import type { KubeClient } from '../src/kubernetes/client.ts';
import { KubeEnvironment } from '../test/support/kube.ts';
import { installRbac, Operator, operatorKubeconfig } from '../test/support/operator.ts';
import { minuteAfter, Scene, scheduleAt, socketsTo } from './cluster-scene.ts';
import { cpuMs, rssMb } from './lsh-process.ts';
import { median, percentile, type Row } from './row.ts';

const DUE = 1_000;
const MANY = 10_000;
const FEW = 20;
const MINUTE = 60_000;
/** Enough to create what is due before it is. */
const LEAD_MS = 45_000;
const IDLE_MS = 20_000;
/** Shares of what bare POSTs take in the same run: machines differ by more than we do. */
const DUE_BUDGET = 2;
const TYPED_BUDGET = 0.75;
const TUNED = [
  '--kube-api-qps=1000',
  '--kube-api-burst=2000',
  '--concurrent-cron-job-syncs=50',
  '--concurrent-job-syncs=20',
];

export async function clusterRows(): Promise<Row[]> {
  const environment = await KubeEnvironment.start();
  const client = await environment.client();
  const stateDir = mkdtempSync(join(tmpdir(), 'lsh-bench-'));
  try {
    await installRbac(client);
    const floor = await bareCreates(client);
    const typed = await typedCreates(client);
    const kubeconfig = await operatorKubeconfig(environment, client);
    const operator = await new Operator({ kubeconfig, stateDir, program: 'dist/lsh.js' }).leads();
    const port = Number(new URL(environment.server).port);
    const due = await dueTogether(client, operator, port);
    const many = await fewOfMany(client, operator, port);
    await operator.stop();
    return [
      ...dueRows(due, floor, await cronJobs(environment, client)),
      ...manyRows(many),
      {
        name: `${DUE} Job creates through the typed client`,
        value: typed,
        unit: 'calls/s',
        peers: [{ name: 'bare POSTs', value: (DUE * 1000) / floor }],
        budget: `>= ${TYPED_BUDGET}x bare POSTs (1,500 of 2,000 calls/s)`,
        ok: typed >= TYPED_BUDGET * ((DUE * 1000) / floor),
      },
    ];
  } finally {
    await environment.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

const idleJob = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: jobSpec(),
});

/** A Job that never has Pods, on servers that know `suspend` and on those that do not. */
function jobSpec(): V1JobSpec {
  const containers = [{ name: 'command', image: 'busybox:stable', command: ['/bin/sh', '-c', 'true'] }];
  const template = { spec: { restartPolicy: 'Never', containers } };
  return { parallelism: 0, suspend: true, backoffLimit: 0, template };
}

/** Milliseconds until as many Jobs are there by POSTs on one connection and nothing else. */
async function bareCreates(client: KubeClient): Promise<number> {
  const scene = await Scene.open(client, 'floor');
  const path = '/apis/batch/v1/namespaces/floor/jobs';
  const bodies = Array.from({ length: DUE }, (_, index) => idleJob(`floor-${index}`));
  const startedAt = performance.now();
  await Promise.all(bodies.map((body) => client.json({ method: 'POST', path, body })));
  const tookMs = performance.now() - startedAt;
  await scene.close();
  return tookMs;
}

/** Creates a second through the library's own client. */
async function typedCreates(client: KubeClient): Promise<number> {
  const scene = await Scene.open(client, 'typed');
  const api = client.api(BatchV1Api);
  const bodies = Array.from({ length: DUE }, (_, index) => idleJob(`typed-${index}`));
  const startedAt = performance.now();
  await Promise.all(bodies.map((body) => api.createNamespacedJob({ namespace: 'typed', body })));
  const perSecond = (DUE * 1000) / (performance.now() - startedAt);
  await scene.close();
  return perSecond;
}

interface Due {
  lags: number[];
  sockets: number;
  /** CPU of the operator meanwhile, milliseconds. */
  cpu: number;
}

async function dueTogether(client: KubeClient, operator: Operator, port: number): Promise<Due> {
  const scene = await Scene.open(client, 'due');
  const dueAt = minuteAfter(LEAD_MS);
  await scene.createLshJobs('due', DUE, { schedule: scheduleAt(dueAt) });
  const watching = new AbortController();
  const sockets = mostSockets(operator, port, watching.signal);
  const before = cpuMs(operator.process.pid!);
  const lags = await scene.lags(dueAt, DUE, MINUTE);
  const cpu = cpuMs(operator.process.pid!) - before;
  watching.abort();
  await scene.close();
  return { lags, sockets: await sockets, cpu };
}

async function mostSockets({ process }: Operator, port: number, signal: AbortSignal): Promise<number> {
  let most = 0;
  while (!signal.aborted) {
    most = Math.max(most, socketsTo(process.pid!, port));
    await wait(50);
  }
  return most;
}

interface Many extends Omit<Due, 'cpu'> {
  rssMb: number;
  /** Milliseconds of CPU in a minute without work. */
  idleCpuMs: number;
}

async function fewOfMany(client: KubeClient, operator: Operator, port: number): Promise<Many> {
  const scene = await Scene.open(client, 'many');
  const pid = operator.process.pid!;
  const watching = new AbortController();
  const sockets = mostSockets(operator, port, watching.signal);
  await scene.createLshJobs('yearly', MANY - FEW, { schedule: '@yearly' });
  await untilQuiet(pid);
  const before = cpuMs(pid);
  await wait(IDLE_MS);
  const idleCpuMs = ((cpuMs(pid) - before) * MINUTE) / IDLE_MS;
  const dueAt = minuteAfter(5_000);
  await scene.createLshJobs('few', FEW, { schedule: scheduleAt(dueAt) });
  const lags = await scene.lags(dueAt, FEW, MINUTE);
  watching.abort();
  await scene.close();
  return { lags, sockets: await sockets, rssMb: rssMb(pid), idleCpuMs };
}

/** Resolves when the process has used next to no CPU for two seconds. */
async function untilQuiet(pid: number): Promise<void> {
  let before: number;
  do {
    before = cpuMs(pid);
    await wait(2_000);
  } while (cpuMs(pid) - before > 100);
}

interface CronJobs {
  name: string;
  lags: number[];
  rssMb: number;
  cpu: number;
}

/** The same thousand as CronJobs of every minute; empty where there is no controller manager. */
async function cronJobs(environment: KubeEnvironment, client: KubeClient): Promise<CronJobs[]> {
  const results: CronJobs[] = [];
  for (const [name, flags] of [
    ['stock', []],
    ['tuned', TUNED],
  ] as const) {
    const namespace = `cronjobs-${name}`;
    const scene = await Scene.open(client, namespace);
    const version = await client.json<{ minor: string }>({ path: '/version' });
    const old = Number.parseInt(version.minor, 10) < 21;
    const gates = old ? ['--feature-gates=CronJobControllerV2=true'] : [];
    const started = await environment.startControllerManager([
      '--controllers=cronjob,job',
      ...gates,
      ...flags,
    ]);
    if (!started) return [];
    const dueAt = minuteAfter(LEAD_MS);
    const group = old ? 'v1beta1' : 'v1';
    await scene.createAll(`/apis/batch/${group}/namespaces/${namespace}/cronjobs`, DUE, (index) => ({
      apiVersion: `batch/${group}`,
      kind: 'CronJob',
      metadata: { name: `cron-${index}` },
      spec: { schedule: scheduleAt(dueAt), jobTemplate: { spec: jobSpec() } },
    }));
    const pid = environment.controllerManagerPid!;
    const before = cpuMs(pid);
    const lags = await scene.lags(dueAt, DUE, MINUTE);
    results.push({
      name: `CronJob controller, ${name}`,
      lags,
      cpu: cpuMs(pid) - before,
      rssMb: rssMb(pid),
    });
    await environment.stopControllerManager();
    await scene.close();
  }
  return results;
}

function dueRows({ lags, sockets, cpu }: Due, floor: number, peers: CronJobs[]): Row[] {
  const last = lastOf(lags, DUE);
  return [
    {
      name: `${DUE} LshJobs due in one minute, the last Job behind it`,
      value: last,
      unit: 'ms',
      peers: [
        { name: 'bare POSTs', value: floor },
        ...peers.map(({ name, lags }) => ({ name, value: lastOf(lags, DUE) })),
      ],
      budget: `<= ${DUE_BUDGET}x bare POSTs (1,000 of 500 ms)`,
      ok: last <= DUE_BUDGET * floor,
    },
    {
      name: `${DUE} LshJobs due in one minute, median`,
      value: median(lags),
      unit: 'ms',
      peers: [
        { name: 'bare POSTs', value: floor / 2 },
        ...peers.map(({ name, lags }) => ({ name, value: median(lags) })),
      ],
      budget: 'none: the last one has it',
      ok: true,
    },
    {
      name: `${DUE} LshJobs due in one minute, Jobs created in it`,
      value: lags.length,
      unit: 'Jobs',
      peers: peers.map(({ name, lags }) => ({ name, value: lags.length })),
      budget: `${DUE}`,
      ok: lags.length === DUE,
    },
    socketsRow(`${DUE} due`, sockets),
    {
      name: `${DUE} LshJobs due in one minute, CPU of the controller`,
      value: cpu,
      unit: 'ms',
      peers: peers.map(({ name, cpu }) => ({ name, value: cpu })),
      budget: 'none: beside its peers',
      ok: true,
    },
    ...peers.map((peer) => ({
      name: `RSS of the ${peer.name}, with ${DUE}`,
      value: peer.rssMb,
      unit: 'MB',
      peers: [],
      budget: 'none: a peer',
      ok: true,
    })),
  ];
}

function manyRows({ lags, sockets, rssMb, idleCpuMs }: Many): Row[] {
  const p99 = lags.length < FEW ? Infinity : percentile(lags, 0.99);
  return [
    {
      name: `${MANY} LshJobs, ${FEW} due, p99 of the start`,
      value: p99,
      unit: 'ms',
      peers: [],
      budget: '<= 100 ms',
      ok: p99 <= 100,
    },
    {
      name: `controller with ${MANY} LshJobs, RSS`,
      value: rssMb,
      unit: 'MB',
      peers: [],
      budget: '<= 200 MB',
      ok: rssMb <= 200,
    },
    {
      name: `controller with ${MANY} LshJobs, CPU of an idle minute`,
      value: idleCpuMs,
      unit: 'ms',
      peers: [],
      budget: 'none: for sizing',
      ok: true,
    },
    socketsRow(`${MANY} there`, sockets),
  ];
}

function socketsRow(when: string, sockets: number): Row {
  return {
    name: `sockets to the API server at the peak, ${when}`,
    value: sockets,
    unit: 'sockets',
    peers: [],
    budget: '<= 4',
    ok: sockets <= 4,
  };
}

function lastOf(lags: readonly number[], wanted: number): number {
  return lags.length < wanted ? Infinity : Math.max(...lags);
}
