// Five thousand LshJobs, of which a thousand are due in the same second, against a thousand bare POSTs in the same run.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { kubeJobManifest } from '../../../src/kubernetes/objects/kube-job.ts';
import type { KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { aJob, aRun } from '../../support/builders.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const JOBS = 1_000;
const OTHERS = 4_000;
const AT_ONCE = 100;
/** Time to create the due LshJobs before their slot: twice that of as many others, if that is longer. */
const LEAD_MS = 45_000;
/** Ends a failed test; long enough for a busy machine. */
const LIMIT_MS = 600_000;

describe.skipIf(NO_KUBE)('five thousand LshJobs', () => {
  let cluster: OperatorCluster;
  let client: KubeClient;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    client = cluster.clientOfOperator();
  });
  afterAll(() => cluster?.stop());

  /** Milliseconds of this many bare creates of the same Job. */
  async function floor(): Promise<number> {
    const job = aJob({ command: 'true' }, { namespace: 'default', key: 'default/floor' });
    const { metadata, ...rest } = kubeJobManifest(job, aRun(), { image: 'busybox' });
    const bodies = Array.from({ length: JOBS }, (_, index) => ({
      ...rest,
      metadata: { ...metadata, name: `floor-${index}`, ownerReferences: [] },
    }));
    const startedAt = performance.now();
    const path = '/apis/batch/v1/namespaces/default/jobs';
    await Promise.all(bodies.map((body) => client.json<KubeJob>({ method: 'POST', path, body })));
    return performance.now() - startedAt;
  }

  async function createAll(names: readonly string[], schedule: string): Promise<void> {
    for (let from = 0; from < names.length; from += AT_ONCE)
      await Promise.all(names.slice(from, from + AT_ONCE).map((name) => cluster.create(name, { schedule })));
  }

  async function scheduled(names: readonly string[]): Promise<void> {
    for (const name of names)
      await cluster.until(name, ({ nextScheduleTime }) => nextScheduleTime !== undefined);
  }

  const title =
    'a thousand of them due in the same second, all start within a few times of what bare creates take';
  test(title, { timeout: LIMIT_MS }, async () => {
    await cluster.operator({ args: ['--leader-elect=false'] }).leads();
    cluster.behave('floor', () => undefined);
    const startedAt = Date.now();
    const others = Array.from({ length: OTHERS }, (_, index) => `other-${index}`);
    await createAll(others, '@yearly');
    await scheduled(others);
    const leadMs = Math.max(LEAD_MS, (Date.now() - startedAt) / 2);
    const dueAt = Math.ceil((Date.now() + leadMs) / 1000) * 1000;
    const due = new Date(dueAt);
    const schedule = `${due.getUTCSeconds()} ${due.getUTCMinutes()} ${due.getUTCHours()} * * *`;
    const names = Array.from({ length: JOBS }, (_, index) => `due-${index}`);
    for (const name of names) cluster.behave(name, () => undefined);
    await createAll(names, schedule);
    await scheduled(names);
    expect(Date.now()).toBeLessThan(dueAt);
    await cluster.waitFor(
      () => cluster.jobController.seen.size >= JOBS || undefined,
      'the start of every run',
      LIMIT_MS,
    );
    const lagMs = Math.max(...cluster.jobController.seenAt()) - dueAt;
    await cluster.waitFor(
      () => names.every((name) => cluster.get(name)?.status?.active?.length === 1) || undefined,
      'the record of every run',
      LIMIT_MS,
    );
    const floorMs = await floor();
    console.log(`last Job ${lagMs.toFixed(0)} ms after its instant; bare creates ${floorMs.toFixed(0)} ms`);
    expect(lagMs).toBeLessThan(10 * floorMs);
  });
});
