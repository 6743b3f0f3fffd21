// A bad object reports its own problem and disturbs no other: a neighbour runs each second meanwhile.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../src/kubernetes/api/objects.ts';
import { lshJobPath, readLshJob, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import type { LshJobStatus } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { rfc3339 } from '../../../src/core/rfc3339.ts';
import { manualRunName, slotRunName } from '../../../src/core/naming.ts';
import { kubeJobManifest } from '../../../src/kubernetes/objects/kube-job.ts';
import { aRun } from '../../support/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { KUBE_MINOR, NO_KUBE } from '../../support/cluster/kube.ts';
import type { Operator } from '../../support/cluster/operator.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const EVERY_SECOND = '* * * * * *';
const JOBS = '/apis/batch/v1/namespaces/default/jobs';

describe.skipIf(NO_KUBE)('a bad object', () => {
  let cluster: OperatorCluster;
  let operator: Operator;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    operator = await cluster
      .operator({
        args: ['--leader-elect=false', '--lease-duration', '1s'],
        env: { LSH_ALLOW_DANGEROUS_JOBS: 'default/exempt,other/refused' },
      })
      .leads();
    await cluster.create('neighbour', { schedule: EVERY_SECOND, concurrencyPolicy: 'Allow' });
  });
  afterAll(() => cluster?.stop());

  /** Resolves when another run of the neighbour has completed. */
  async function neighbourRuns(): Promise<void> {
    const before = cluster.get('neighbour')!.status?.totals?.completed ?? 0;
    await cluster.until('neighbour', ({ totals }) => (totals?.completed ?? 0) > before);
  }

  /** Number of reconciled keys. */
  async function reconciles(): Promise<number> {
    const { body } = await operator.get('/metrics');
    const counts = [...body.matchAll(/^controller_runtime_reconcile_total\{.*\} (\d+)$/gm)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** The neighbour still runs, and the operator is the same process and has logged no error. */
  afterEach(async () => {
    await neighbourRuns();
    expect(operator.process.exitCode).toBeNull();
    expect(operator.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    expect(cluster.jobController.failures).toEqual([]);
  });

  const conditionOf = ({ status }: LshJob, wanted: string) =>
    status?.conditions?.find(({ type }) => type === wanted);
  const ready = (object: LshJob) => conditionOf(object, 'Ready');

  test.each([
    [
      'an unknown zone',
      'zone',
      { schedule: EVERY_SECOND, timeZone: 'Mars/Olympus' },
      'JobInvalid',
      'Mars/Olympus',
    ],
    ['a bad schedule', 'cron', { schedule: '0 0 30 2 *' }, 'JobInvalid', 'no day ever matches it'],
    ['a refused command', 'rm', { schedule: EVERY_SECOND, command: 'rm -rf /' }, 'CommandRefused', 'rm'],
    [
      'a shell run',
      'shell',
      { schedule: EVERY_SECOND, executor: 'Shell' as const },
      'ShellNotAllowed',
      'default',
    ],
  ])('with %s becomes Invalid with one event', async (_, name, spec, reason, words) => {
    await cluster.create(name, spec);
    const object = await cluster.until(name, ({ phase }) => phase === 'Invalid');
    expect(ready(object)).toMatchObject({ status: 'False', reason });
    expect(ready(object)?.message).toContain(words);
    expect((await cluster.eventOf(name, 'InvalidSpec')).message).toContain(words);
    // A change outside the spec causes no second event and no new status.
    const touched = await cluster.patch(name, { metadata: { annotations: { touched: 'yes' } } });
    await cluster.until(
      'neighbour',
      ({ totals }, { metadata }) =>
        Number(metadata.resourceVersion) > Number(touched.metadata.resourceVersion) && totals !== undefined,
    );
    expect(cluster.get(name)?.status).toEqual(object.status);
    expect(cluster.jobController.namesOf(name)).toEqual([]);
    await cluster.delete(name);
  });

  test('with a refused command runs if the operator’s own setting names it, and no other does', async () => {
    // The validator refuses eval of an output; this one prints nothing.
    const spec = { schedule: EVERY_SECOND, command: 'eval "$(true)"' };
    await cluster.create('refused', spec);
    await cluster.create('exempt', spec);
    await cluster.until('exempt', ({ totals }) => (totals?.completed ?? 0) > 0);
    const refused = await cluster.until('refused', ({ phase }) => phase === 'Invalid');
    expect(ready(refused)).toMatchObject({ status: 'False', reason: 'CommandRefused' });
    await cluster.delete('exempt');
    await cluster.delete('refused');
  });

  test('with both command and args is refused, by the server or by the operator', async () => {
    const creating = cluster.create('both', { schedule: EVERY_SECOND, command: 'true', args: ['true'] });
    if (KUBE_MINOR >= 25) {
      await expect(creating).rejects.toMatchObject({ code: 422 });
      return;
    }
    await creating;
    const object = await cluster.until('both', ({ phase }) => phase === 'Invalid');
    expect(ready(object)?.message).toContain('args');
    expect(await cluster.eventOf('both', 'InvalidSpec')).toMatchObject({
      type: 'Warning',
      message: expect.stringContaining('args') as string,
    });
    await cluster.delete('both');
  });

  test('with a name of 63 characters has runs with different names', async () => {
    const long = 'l'.repeat(63);
    await cluster.create(long, { schedule: EVERY_SECOND });
    const { status } = await cluster.until(long, ({ totals }) => (totals?.completed ?? 0) >= 2);
    for (const { name } of status!.recentRuns!) expect(name.length).toBeLessThanOrEqual(63);
    expect(new Set(cluster.jobController.namesOf(long)).size).toBeGreaterThanOrEqual(2);
    await cluster.delete(long);
  });

  const values = Array.from({ length: 14 }, (_, index) => [`V${index}`, 'x'.repeat(100_000)] as const);
  test.each([
    ['variables', 'large-env', { env: values.map(([name, value]) => ({ name, value })) }, 'JobInvalid'],
    [
      'a template',
      'large-template',
      { job: { podTemplate: { metadata: Object.fromEntries(values) } } },
      'SpecTooLarge',
    ],
  ])('with 1.4 MB of %s becomes Invalid, with an event', async (_, name, spec, reason) => {
    await cluster.create(name, { schedule: EVERY_SECOND, ...spec });
    const object = await cluster.until(name, ({ phase }) => phase === 'Invalid');
    expect(ready(object)).toMatchObject({ status: 'False', reason });
    const { type, message } = await cluster.eventOf(name, 'InvalidSpec');
    expect(type).toBe('Warning');
    expect(ready(object)?.message).toContain(message.slice(0, 100));
    await cluster.delete(name);
    await cluster.waitFor(() => (cluster.get(name) ? undefined : true), 'the deletion of the LshJob');
  });

  test('whose Pod the server rejects becomes Invalid before its first slot', async () => {
    const job = {
      podTemplate: { spec: { restartPolicy: 'Never', containers: [{ name: 'Not A Name', image: 'i' }] } },
    };
    await cluster.create('podless', { schedule: '@yearly', executor: 'Job', job });
    const object = await cluster.until('podless', ({ phase }) => phase === 'Invalid');
    expect(ready(object)).toMatchObject({ status: 'False', reason: 'JobInvalid' });
    expect(ready(object)?.message).toContain('Not A Name');
    expect((await cluster.eventOf('podless', 'InvalidSpec')).message).toContain('Not A Name');
    await cluster.patch('podless', { spec: { job: null } });
    const mended = await cluster.until('podless', ({ phase }) => phase === 'Scheduled');
    expect(ready(mended)).toMatchObject({ status: 'True' });
    await cluster.delete('podless');
  });

  test.skipIf(KUBE_MINOR < 25)('with a misspelt field in its podTemplate becomes Invalid', async () => {
    const job = { podTemplate: { spec: { nodSelector: { disk: 'ssd' } } } };
    await cluster.create('misspelt', { schedule: EVERY_SECOND, job });
    const object = await cluster.until('misspelt', ({ phase }) => phase === 'Invalid');
    expect(ready(object)?.message).toContain('nodSelector');
    expect(cluster.jobController.namesOf('misspelt')).toEqual([]);
    await cluster.delete('misspelt');
  });

  test('whose status was removed by hand gets it back', async () => {
    await cluster.create('wiped', { schedule: EVERY_SECOND });
    const { status } = await cluster.until('wiped', ({ totals }) => (totals?.completed ?? 0) >= 2);
    const nothing = Object.fromEntries(Object.keys(status!).map((name) => [name, null]));
    const wiped = await cluster.admin.json<LshJob>({
      method: 'PATCH',
      path: `${lshJobPath('default', 'wiped')}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: nothing },
    });
    const back = await cluster.until(
      'wiped',
      ({ totals }, { metadata }) =>
        Number(metadata.resourceVersion) > Number(wiped.metadata.resourceVersion) &&
        (totals?.completed ?? 0) >= 3,
    );
    expect(Date.parse(back.status!.accountedUntil!)).toBeGreaterThan(Date.parse(status!.accountedUntil!));
    const jobs = cluster.jobController.namesOf('wiped');
    expect(new Set(jobs).size).toBe(jobs.length);
    await cluster.delete('wiped');
  });

  test('whose status is overwritten with nonsense gets back the last known one', async () => {
    await cluster.create('nonsense', { schedule: EVERY_SECOND, concurrencyPolicy: 'Allow' });
    await cluster.until('nonsense', ({ totals }) => (totals?.completed ?? 0) >= 1);
    const status: Partial<LshJobStatus> = {
      accountedUntil: '1999-01-01T00:00:00Z',
      active: [],
      phase: 'Suspended',
    };
    const put = await cluster.admin.json<LshJob>({
      method: 'PATCH',
      path: `${lshJobPath('default', 'nonsense')}/status`,
      contentType: 'application/merge-patch+json',
      body: { status },
    });
    const before = put.status!.totals!.completed;
    const after = await cluster.until('nonsense', ({ totals }) => (totals?.completed ?? 0) >= before + 2);
    expect(after.status?.totals?.missed).toBe(0);
    expect(after.status?.phase).not.toBe('Suspended');
    await cluster.delete('nonsense');
  });

  test('whose run’s name is taken by another owner’s Job has a failed run, and that Job stays', async () => {
    const name = manualRunName('taken', 'one', 1);
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
    const body = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template } };
    const theirs = await cluster.admin.json<KubeObject>({ method: 'POST', path: JOBS, body });
    await cluster.create('taken', { schedule: '@yearly' });
    await cluster.patch('taken', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    const object = await cluster.until('taken', ({ recentRuns = [] }) => recentRuns.length === 1);
    expect(object.status!.recentRuns![0]).toMatchObject({ name, phase: 'Failed', reason: 'NameTaken' });
    expect(conditionOf(object, 'Failing')).toMatchObject({ status: 'True', reason: 'NameTaken' });
    expect(ready(object)).toMatchObject({ status: 'True' });
    expect(await cluster.eventOf('taken', 'RunFailed')).toMatchObject({
      type: 'Warning',
      message: expect.stringContaining('NameTaken') as string,
    });
    await cluster.delete('taken');
    const still = await cluster.admin.json<KubeObject>({ path: `${JOBS}/${name}` });
    expect(still.metadata.uid).toBe(theirs.metadata.uid);
  });

  test('deleted while its run is active ends that run', async () => {
    cluster.behave('removed', () => undefined);
    await cluster.create('removed', { schedule: '@yearly' });
    await cluster.patch('removed', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    await cluster.until('removed', ({ active = [] }) => active.length === 1);
    await cluster.delete('removed');
    await cluster.waitFor(
      () => cluster.jobController.jobsOf('removed').length === 0 || undefined,
      'the deletion of its Job',
    );
    // A new LshJob of the same name starts from scratch.
    cluster.behave('removed', () => 'Complete');
    await cluster.create('removed', { schedule: EVERY_SECOND, concurrencyPolicy: 'Allow' });
    const { status } = await cluster.until('removed', ({ totals }) => (totals?.completed ?? 0) >= 1);
    expect(status?.totals).toMatchObject({ killed: 0, missed: 0 });
    await cluster.delete('removed');
  });

  test('deleted before its ended Jobs is not reconciled again', async () => {
    // One end needs a lookup of the Pod, and the other is complete in its Job: both ways are covered.
    const ends = ['Failed', 'Complete', 'Complete'] as const;
    cluster.behave('outlived', () => ends[cluster.jobController.namesOf('outlived').length - 1]);
    await cluster.create('outlived', { schedule: '@yearly' });
    for (const [index] of ends.entries()) {
      await cluster.patch('outlived', { metadata: { annotations: { 'lsh.dev/trigger': `${index}` } } });
      await cluster.until('outlived', ({ recentRuns = [] }) => recentRuns.length === index + 1);
    }
    await cluster.delete('outlived');
    await neighbourRuns();
    expect(cluster.jobController.jobsOf('outlived')).toHaveLength(ends.length);
    const before = await reconciles();
    await neighbourRuns();
    expect((await reconciles()) - before).toBeLessThan(50);
  });

  test('with a former leader’s Job for a slot that is recorded as missed has that run', async () => {
    cluster.behave('stray', () =>
      cluster.jobController.namesOf('stray').length === 1 ? undefined : 'Complete',
    );
    await cluster.create('stray', { schedule: EVERY_SECOND });
    await cluster.until('stray', ({ totals }) => (totals?.missed ?? 0) >= 3);
    await cluster.patch('stray', { spec: { suspend: true } });
    const object = await cluster.until('stray', ({ phase }) => phase === 'Suspended');
    const before = object.status!.recentOutcomes!.find(({ outcome }) => outcome === 'Forbidden')!;
    const slot = Date.parse(before.from) + 1000;
    const { job } = readLshJob(object);
    const name = slotRunName('stray', slot, 1);
    const run = aRun({ name, job: job.key, jobUid: job.uid, slot, executor: 'Job' });
    await cluster.admin.json({ method: 'POST', path: JOBS, body: kubeJobManifest(job, run, { image: 'i' }) });
    const { status } = await cluster.until('stray', ({ totals }) => totals?.completed === 1);
    expect(status!.recentRuns).toMatchObject([{ name, slot: rfc3339(slot), phase: 'Completed' }]);
    const forbidden = status!.recentOutcomes!.filter(({ outcome }) => outcome === 'Forbidden');
    expect(forbidden.map(({ from, to, count }) => [from, to, count])).toEqual([
      [rfc3339(slot + 1000), before.to, before.count - 2],
      [before.from, before.from, 1],
    ]);
    expect(status!.totals!.missed).toBe(before.count - 1);
    expect((await cluster.eventOf('stray', 'SlotRanLate')).message).toContain(name);
    await cluster.delete('stray');
  });

  test('whose CRD is deleted and created again runs without a restart of the operator', async () => {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lshjobs.lsh.dev';
    await cluster.admin.request({ method: 'DELETE', path });
    await cluster.waitFor(() => (cluster.get('neighbour') ? undefined : true), 'the deletion of the LshJobs');
    await eventually(() =>
      cluster.admin.request({ path }).then(
        () => undefined,
        () => true,
      ),
    );
    await cluster.environment.installCrd();
    await eventually(() =>
      cluster
        .create('neighbour', { schedule: EVERY_SECOND, concurrencyPolicy: 'Allow' })
        .catch(() => undefined),
    );
    await cluster.until('neighbour', ({ totals }) => (totals?.completed ?? 0) >= 1);
  });
});
