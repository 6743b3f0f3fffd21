// The operator as its service account on a real API server: the e2e specs of Kubernetes’ CronJob, for LshJob, with
// schedules of a second so that they are quick.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { KubeList, KubeObject } from '../../../src/kubernetes/api/objects.ts';
import { hasEnded } from '../../../src/kubernetes/objects/kube-job-run.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { watch } from '../../../src/kubernetes/api/watch/watch.ts';
import { eventually } from '../../support/eventually.ts';
import { kubectl, NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const EVERY_SECOND = '* * * * * *';
/** Allow: no slot is forbidden when a run takes longer than a second. */
const UNHURRIED = { schedule: EVERY_SECOND, concurrencyPolicy: 'Allow' } as const;
const ONE = { fieldSelector: 'metadata.name=operations' };
// A Job’s name stays taken for two lease durations after its end, so a short lease removes Jobs sooner.
const ALONE = ['--leader-elect=false', '--lease-duration', '1s'];

interface EventObject extends KubeObject {
  type: string;
  reason: string;
  message: string;
  count: number;
  involvedObject: { name: string };
}

describe.skipIf(NO_KUBE)('the operator', () => {
  let cluster: OperatorCluster;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    await cluster.operator({ args: ALONE }).leads();
  });
  afterAll(() => cluster?.stop());
  afterEach(() => expect(cluster.jobController.failures).toEqual([]));

  async function eventsOf(name: string): Promise<EventObject[]> {
    const { items } = await cluster.admin.json<KubeList<EventObject>>({
      path: '/api/v1/namespaces/default/events',
      query: { fieldSelector: `involvedObject.name=${name}` },
    });
    return items;
  }

  const condition = ({ status }: LshJob, type: string) =>
    status?.conditions?.find((one) => one.type === type);

  test('schedules multiple runs concurrently', async () => {
    cluster.behave('concurrent', () => 'Run');
    await cluster.create('concurrent', { schedule: EVERY_SECOND, concurrencyPolicy: 'Allow' });
    const { status } = await cluster.until(
      'concurrent',
      ({ active = [] }) => active.filter(({ phase }) => phase === 'Running').length >= 2,
    );
    expect(status).toMatchObject({ phase: 'Running' });
    expect(new Set(status!.active!.map(({ slot }) => slot)).size).toBe(status!.active!.length);
    await cluster.delete('concurrent');
  });

  test('starts no run while suspended, and records the slots when resumed', async () => {
    await cluster.create('suspended', { schedule: EVERY_SECOND, suspend: true });
    const { status } = await cluster.until('suspended', ({ phase }) => phase === 'Suspended');
    expect(status).not.toHaveProperty('nextScheduleTime');
    // The slots of another job measure the time.
    await cluster.create('meanwhile', { schedule: EVERY_SECOND });
    await cluster.until('meanwhile', ({ totals }) => (totals?.completed ?? 0) >= 2);
    expect(cluster.jobController.namesOf('suspended')).toEqual([]);
    await cluster.patch('suspended', { spec: { suspend: false } });
    const resumed = await cluster.until('suspended', ({ totals }) => (totals?.completed ?? 0) >= 1);
    expect(resumed.status?.recentOutcomes).toContainEqual(expect.objectContaining({ outcome: 'Suspended' }));
    await Promise.all([cluster.delete('suspended'), cluster.delete('meanwhile')]);
  });

  test('starts no run while another is active under Forbid, and records each dropped slot', async () => {
    cluster.behave('forbid', () => undefined);
    await cluster.create('forbid', { schedule: EVERY_SECOND });
    const { status } = await cluster.until('forbid', ({ totals }) => (totals?.missed ?? 0) >= 3);
    expect(status?.active).toHaveLength(1);
    expect(cluster.jobController.namesOf('forbid')).toHaveLength(1);
    expect(status?.recentOutcomes?.[0]).toMatchObject({ outcome: 'Forbidden', cause: 'RunActive' });
    expect(status?.recentOutcomes).toHaveLength(1);
    expect(status?.recentOutcomes?.[0]?.count).toBe(status?.totals?.missed);
    await cluster.delete('forbid');
  });

  test('replaces the active run under Replace, with one active run at a time', async () => {
    cluster.behave('replace', () => 'Run');
    await cluster.create('replace', { schedule: EVERY_SECOND, concurrencyPolicy: 'Replace' });
    const running: string[] = [];
    // Checked at each event of the LshJob and of its Jobs.
    const together = new Set<number>();
    await cluster.until('replace', ({ active = [] }) => {
      const names = active.filter(({ phase }) => phase === 'Running').map(({ name }) => name);
      for (const name of names) if (!running.includes(name)) running.push(name);
      const unfinished = cluster.jobController.jobsOf('replace').filter((kubeJob) => !hasEnded(kubeJob));
      together.add(names.length).add(unfinished.length);
      return running.length === 3;
    });
    expect([...together].toSorted((a, b) => a - b)).toEqual([0, 1]);
    // A run that was replaced before its status showed it running also had a Job; the Jobs have a watch of their own.
    const lastOf = () => cluster.jobController.namesOf('replace').indexOf(running[2]!);
    await cluster.waitFor(() => lastOf() >= 0 || undefined, 'the Job of the last run');
    const before = cluster.jobController.namesOf('replace').slice(0, lastOf());
    expect(before.filter((name) => running.includes(name))).toEqual(running.slice(0, 2));
    for (const name of before) {
      const run = cluster.runsOf('replace').find((one) => one.name === name);
      expect(run).toMatchObject({ phase: 'Killed', reason: 'Replaced' });
      if (running.includes(name)) expect(run).toMatchObject({ exitCode: 143 });
    }
    await cluster.delete('replace');
  });

  test('records a completed run without a warning', async () => {
    const created = await cluster.create('calm', UNHURRIED);
    const { status } = await cluster.until('calm', ({ totals }) => (totals?.completed ?? 0) >= 2);
    expect(status?.recentRuns?.[0]).toMatchObject({ phase: 'Completed', exitCode: 0, attempt: 1 });
    expect(status?.totals).toMatchObject({ failed: 0, killed: 0, missed: 0 });
    const events = await eventually(async () => {
      const all = await eventsOf('calm');
      return all.some(({ reason }) => reason === 'RunCompleted') ? all : undefined;
    });
    expect(events.filter(({ type }) => type === 'Warning')).toEqual([]);
    // The first slot is the first whole second after the creation.
    const first = cluster.runsOf('calm').map(({ slot }) => Date.parse(slot));
    expect(Math.min(...first)).toBeGreaterThan(Date.parse(created.metadata.creationTimestamp));
    await cluster.delete('calm');
  });

  test('annotates each Job with its slot', async () => {
    cluster.behave('annotated', () => undefined);
    await cluster.create('annotated', { schedule: EVERY_SECOND });
    const { status } = await cluster.until('annotated', ({ active = [] }) => active.length > 0);
    const job = await cluster.waitFor(() => cluster.jobController.jobsOf('annotated')[0], 'its Job');
    expect(job.metadata.annotations).toMatchObject({ 'lsh.dev/slot': status!.active![0]!.slot });
    expect(job.metadata.name).toBe(status!.active![0]!.name);
    await cluster.delete('annotated');
  });

  test('ends the run of a Job that a user deleted, with the reason', async () => {
    cluster.behave('deleted', () => undefined);
    await cluster.create('deleted', { schedule: '@yearly' });
    await cluster.patch('deleted', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    const { status } = await cluster.until('deleted', ({ active = [] }) => active.length === 1);
    const { name } = status!.active![0]!;
    await cluster.admin.request({
      method: 'DELETE',
      path: `/apis/batch/v1/namespaces/default/jobs/${name}`,
      body: { propagationPolicy: 'Background' },
    });
    const after = await cluster.until('deleted', ({ recentRuns = [] }) => recentRuns.length === 1);
    expect(after.status?.active).toEqual([]);
    expect(after.status?.recentRuns?.[0]).toMatchObject({
      name,
      phase: 'Failed',
      reason: 'Lost',
      message: 'Its Kubernetes Job was deleted while it was active.',
    });
    await eventually(async () => (await eventsOf('deleted')).some(({ reason }) => reason === 'RunFailed'));
    await cluster.delete('deleted');
  });

  test.each([
    ['completed', 'Complete', { successfulRunsHistoryLimit: 1 }],
    ['failed', 'Failed', { failedRunsHistoryLimit: 1 }],
  ] as const)('keeps %s runs and their Jobs up to the history limit', async (kind, end, limit) => {
    const name = `history-${kind}`;
    cluster.behave(name, () => end);
    await cluster.create(name, { schedule: EVERY_SECOND, ...limit });
    await cluster.until(name, ({ totals }) => (totals?.[kind] ?? 0) >= 3);
    const { status } = await cluster.patch(name, { spec: { suspend: true } });
    expect(status?.recentRuns?.length).toBeLessThanOrEqual(1);
    await cluster.waitFor(
      () => cluster.jobController.jobsOf(name).length === 1 || undefined,
      'the removal of Jobs',
    );
    expect(cluster.jobController.namesOf(name).length).toBeGreaterThanOrEqual(3);
    await cluster.delete(name);
  });

  test('reports a schedule in an unknown zone, and starts no run', async () => {
    await cluster.create('zoneless', { schedule: EVERY_SECOND, timeZone: 'Europe/Atlantis' });
    const object = await cluster.until('zoneless', ({ phase }) => phase === 'Invalid');
    expect(condition(object, 'Ready')).toMatchObject({ status: 'False', reason: 'JobInvalid' });
    expect(condition(object, 'Ready')?.message).toContain('Europe/Atlantis');
    await cluster.patch('zoneless', { spec: { timeZone: 'Europe/Athens' } });
    await cluster.until('zoneless', ({ totals }) => (totals?.completed ?? 0) >= 1);
    await cluster.delete('zoneless');
  });

  test('works with every API operation on an LshJob', async () => {
    const path = lshJobPath('default', 'operations');
    const created = await cluster.create('operations', { schedule: '@yearly' });
    expect(created.metadata.generation).toBe(1);
    const scheduled = await cluster.until('operations', ({ phase }) => phase === 'Scheduled');
    expect(scheduled.status?.nextScheduleTime).toMatch(/:00:00Z$/);
    const replaced = await cluster.admin.json<LshJob>({
      method: 'PUT',
      path,
      body: { ...scheduled, spec: { schedule: '@daily', command: 'true' } },
    });
    expect(replaced.metadata.generation).toBe(2);
    await cluster.until('operations', ({ observedGeneration }) => observedGeneration === 2);
    await cluster.patch('operations', { spec: { suspend: true } });
    const suspended = await cluster.until('operations', ({ phase }) => phase === 'Suspended');
    const { admin } = cluster;
    expect(await admin.json({ path })).toEqual({ ...suspended, metadata: expect.anything() as object });
    for (const namespace of ['default', undefined]) {
      const list = await admin.json<KubeList<LshJob>>({ path: lshJobPath(namespace), query: ONE });
      expect(list.items.map(({ metadata }) => metadata.uid)).toEqual([created.metadata.uid]);
    }
    await admin.request({ method: 'DELETE', path });
    await cluster.waitFor(() => (cluster.get('operations') ? undefined : true), 'the deletion of the LshJob');
    await cluster.create('operations', { schedule: '@yearly' });
    await admin.request({ method: 'DELETE', path: lshJobPath('default'), query: ONE });
    await cluster.waitFor(() => (cluster.get('operations') ? undefined : true), 'the deletion of the LshJob');
  });

  test('works with watches of an LshJob', async () => {
    const { admin } = cluster;
    const list = await admin.json<KubeList<LshJob>>({ path: lshJobPath('default'), query: ONE });
    const stop = new AbortController();
    const opened = Promise.withResolvers<void>();
    const events = watch<LshJob>(admin, {
      path: lshJobPath('default'),
      query: ONE,
      resourceVersion: list.metadata.resourceVersion,
      timeoutSeconds: 60,
      signal: stop.signal,
      onOpen: opened.resolve,
    });
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { type, object } of events) {
        if (type === 'BOOKMARK') continue;
        const news = `${type} ${object.metadata.generation}`;
        if (seen.at(-1) !== news) seen.push(news);
        if (type === 'DELETED') return;
      }
    })();
    await opened.promise;
    await cluster.create('operations', { schedule: '@yearly', suspend: true });
    await cluster.until('operations', ({ phase }) => phase === 'Suspended');
    await cluster.patch('operations', { spec: { description: 'changed' } });
    await cluster.until('operations', ({ observedGeneration }) => observedGeneration === 2);
    await cluster.delete('operations');
    await watching;
    stop.abort();
    expect(seen).toEqual(['ADDED 1', 'MODIFIED 1', 'MODIFIED 2', 'DELETED 2']);
  });

  test('works with every API operation on the status, which changes no other field', async () => {
    const { admin } = cluster;
    const path = `${lshJobPath('default', 'status-operations')}/status`;
    await cluster.create('status-operations', { schedule: '@yearly', suspend: true });
    const { status } = await cluster.until('status-operations', ({ phase }) => phase === 'Suspended');
    const read = await admin.json<LshJob>({ path });
    expect(read.status).toEqual(status);
    // The operator may correct a status written by a person at once, so the test checks the server’s answer.
    const totals = { ...status!.totals, missed: 7 };
    const body = {
      ...read,
      spec: Object.assign({}, read.spec, { schedule: '@daily' }),
      status: { ...read.status, totals },
    };
    const put = await admin.json<LshJob>({ method: 'PUT', path, body });
    expect(put.status).toEqual({ ...status, totals });
    const contentType = 'application/merge-patch+json';
    const patch = { spec: { schedule: '@weekly' }, status: { totals: { missed: 8 } } };
    const patched = await admin.json<LshJob>({ method: 'PATCH', path, body: patch, contentType });
    expect(patched.status).toEqual({ ...status, totals: { ...totals, missed: 8 } });
    for (const { spec, metadata } of [put, patched]) {
      expect(spec).toEqual(read.spec);
      expect(metadata.generation).toBe(1);
    }
    await cluster.delete('status-operations');
  });

  test('runs once per trigger and records its author; a new trigger runs again', async () => {
    await cluster.create('triggered', { schedule: '@yearly', suspend: true });
    const annotations = { 'lsh.dev/trigger': 'first', 'lsh.dev/requested-by': 'maria' };
    await cluster.patch('triggered', { metadata: { annotations } });
    await cluster.until('triggered', ({ totals }) => totals?.completed === 1);
    await cluster.patch('triggered', { metadata: { annotations: { note: 'touched' } } });
    await cluster.patch('triggered', { metadata: { annotations: { 'lsh.dev/trigger': 'second' } } });
    const { status } = await cluster.until('triggered', ({ totals }) => totals?.completed === 2);
    expect(status?.lastHandledTrigger).toBe('second');
    expect(status?.recentRuns?.at(-1)).toMatchObject({ trigger: 'Manual', requestedBy: 'maria' });
    expect(cluster.jobController.namesOf('triggered')).toHaveLength(2);
    await cluster.delete('triggered');
  });

  test('stops the requested run', async () => {
    cluster.behave('stopped', () => undefined);
    await cluster.create('stopped', { schedule: '@yearly' });
    await cluster.patch('stopped', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    const { status } = await cluster.until('stopped', ({ active = [] }) => active.length === 1);
    const { name } = status!.active![0]!;
    await cluster.patch('stopped', { metadata: { annotations: { 'lsh.dev/stop': name } } });
    const after = await cluster.until('stopped', ({ recentRuns = [] }) => recentRuns.length === 1);
    expect(after.status?.recentRuns?.[0]).toMatchObject({ name, phase: 'Killed', reason: 'StoppedByUser' });
    await cluster.delete('stopped');
  });

  test('retries up to the limit, each attempt in a Job of its own', async () => {
    cluster.behave('retried', ({ metadata }) => (metadata.name.endsWith('-2') ? 'Complete' : 'Failed'));
    await cluster.create('retried', { schedule: '@yearly', retry: { limit: 2, initialSeconds: 0 } });
    await cluster.patch('retried', { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    const { status } = await cluster.until('retried', ({ totals }) => totals?.completed === 1);
    expect(status?.totals).toMatchObject({ failed: 1 });
    expect(cluster.jobController.namesOf('retried')).toHaveLength(2);
    await cluster.delete('retried');
  });

  test('is not affected by a long starting deadline, and the API refuses one of 0 seconds', async () => {
    await cluster.create('patient', { ...UNHURRIED, startingDeadlineSeconds: 86_400 });
    const { status } = await cluster.until('patient', ({ totals }) => (totals?.completed ?? 0) >= 2);
    expect(status?.totals).toMatchObject({ missed: 0 });
    await cluster.delete('patient');
    await expect(
      cluster.create('hasty', { schedule: EVERY_SECOND, startingDeadlineSeconds: 0 }),
    ).rejects.toMatchObject({ code: 422 });
  });

  test('works with kubectl get, wait, describe and explain', async () => {
    const { environment } = cluster;
    await cluster.create('shown', { schedule: EVERY_SECOND });
    await kubectl(environment, 'wait', '--for=condition=Ready', '--timeout=90s', 'lj/shown');
    await cluster.until('shown', ({ totals }) => (totals?.completed ?? 0) >= 1);
    const [head, row] = (await kubectl(environment, 'get', 'lj', 'shown')).split('\n');
    expect(head?.split(/\s{2,}|\s+/).slice(0, 8)).toEqual([
      'NAME',
      'SCHEDULE',
      'SUSPEND',
      'PHASE',
      'RESULT',
      'LAST',
      'NEXT',
      'AGE',
    ]);
    expect(row).toMatch(
      /^shown +\* \* \* \* \* \* +false +(Scheduled|Pending|Running) +Completed +\d+s +\S+Z +\d+s$/,
    );
    expect(await kubectl(environment, 'explain', 'lshjob.spec.retry')).toContain(
      'Attempts after the first one',
    );
    // Events are written in the background.
    const described = await eventually(async () => {
      const text = await kubectl(environment, 'describe', 'lj', 'shown');
      return /Events:[\s\S]*RunCompleted/.test(text) && text;
    });
    expect(described).toMatch(/Recent Runs:[\s\S]*Phase: +Completed/);
    await cluster.delete('shown');
  });

  test('serves its health, its readiness and its metrics', async () => {
    const other = await cluster.operator({ args: [...ALONE, '--namespaces', 'none'] }).leads();
    expect(await other.get('/healthz')).toEqual({ status: 200, body: 'ok\n' });
    expect(await other.get('/readyz')).toEqual({ status: 200, body: 'ok\n' });
    const { body } = await other.get('/metrics');
    expect(body).toMatch(/^leader_election_master_status\{name="lsh-controller"\} 1$/m);
    expect(body).toMatch(/^rest_client_requests_total\{method="GET",code="200"\} \d+$/m);
    for (const resource of ['lshjobs', 'jobs', 'pods']) {
      expect(body).toMatch(
        new RegExp(`^lsh_watch_last_event_age_seconds{resource="${resource}"} [\\d.]+$`, 'm'),
      );
      for (const total of ['unreadable_events', 'handler_errors'])
        expect(body).toContain(`\nlsh_watch_${total}_total{resource="${resource}"} 0\n`);
    }
    expect(await other.stop()).toEqual([0, null]);
  });

  test('serves the metrics of each job up to the bound, and logs that it cut them', async () => {
    await cluster.create('measured-a', { schedule: EVERY_SECOND });
    await cluster.create('measured-b', { schedule: EVERY_SECOND, suspend: true });
    const other = await cluster.operator({ args: [...ALONE, '--metrics-per-job', '1'] }).leads();
    const body = await eventually(async () => {
      const { body: text } = await other.get('/metrics');
      return text.includes('\nlsh_job_last_success_timestamp_seconds{') && text;
    });
    expect(body).toMatch(
      /^lsh_job_last_end_timestamp_seconds\{job="measured-a",namespace="\w+",phase="Completed"\} \d/m,
    );
    expect(body).not.toContain('measured-b');
    expect(body).toMatch(/^lsh_jobs_without_metrics 1$/m);
    expect(await other.line(({ msg }) => msg.endsWith('have no metrics of their own'))).toMatchObject({
      leftOut: 1,
    });
    expect(await other.stop()).toEqual([0, null]);
    await cluster.delete('measured-a');
    await cluster.delete('measured-b');
  });
});
