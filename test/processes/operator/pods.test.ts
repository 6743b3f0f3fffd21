// Pods of the real Job controller: exit codes, causes, and problems that keep a Pod from starting. The test acts as the
// node and writes the Pods’ status.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { isNotFound } from '../../../src/kubernetes/api/api-errors.ts';
import type { KubeList } from '../../../src/kubernetes/api/objects.ts';
import { hasEnded } from '../../../src/kubernetes/objects/kube-job-run.ts';
import type { Pod } from '../../../src/kubernetes/objects/pod.ts';
import type { RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { eventually } from '../../support/eventually.ts';
import { KUBE_MINOR, NO_MANAGER } from '../../support/cluster/kube.ts';
import { PlayedKubelet } from '../../support/cluster/played-kubelet.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const PODS = '/api/v1/namespaces/default/pods';

describe.skipIf(NO_MANAGER)('a run with a Pod', () => {
  let cluster: OperatorCluster;
  let kubelet: PlayedKubelet;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    kubelet = await PlayedKubelet.start(cluster.environment, cluster.admin);
    await cluster.environment.startControllerManager();
    await cluster.operator({ args: ['--leader-elect=false'] }).leads();
  });
  afterAll(async () => {
    await cluster?.stop();
    await kubelet?.stop();
  });

  /** Triggers a run and resolves with its Pod. */
  async function podOf(name: string, spec: JobSpecInput = {}): Promise<Pod> {
    cluster.behave(name, () => undefined);
    await cluster.create(name, { schedule: '@yearly', ...spec });
    await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    return eventually(async () => {
      const query = { labelSelector: `lsh.dev/job=${name}` };
      return (await cluster.admin.json<KubeList<Pod>>({ path: PODS, query })).items[0];
    });
  }

  async function mark({ metadata }: Pod, status: object): Promise<void> {
    const path = `${PODS}/${metadata.name}/status`;
    await cluster.admin.request({
      method: 'PATCH',
      path,
      contentType: 'application/merge-patch+json',
      body: { status },
    });
  }

  const container = (state: object) => ({
    containerStatuses: [
      { name: 'run', image: 'i', imageID: '', ready: false, restartCount: 0, lastState: {}, state },
    ],
  });

  function terminated(exitCode: number, reason: string): object {
    const finishedAt = new Date().toISOString();
    return container({ terminated: { exitCode, reason, startedAt: finishedAt, finishedAt } });
  }

  async function ended(name: string): Promise<RunEntry> {
    const { status } = await cluster.until(name, ({ recentRuns = [] }) => recentRuns.length === 1);
    return status!.recentRuns![0]!;
  }

  test('completes with its Pod', async () => {
    await mark(await podOf('well'), { phase: 'Succeeded', ...terminated(0, 'Completed') });
    expect(await ended('well')).toMatchObject({ phase: 'Completed', exitCode: 0 });
  });

  test.each([
    ['its exit code', 'code', 3, 'Error', { reason: 'ExitCode', exitCode: 3 }],
    ['memory as the cause', 'memory', 137, 'OOMKilled', { reason: 'OutOfMemory', exitCode: 137 }],
    ['a missing command', 'absent', 127, 'StartError', { reason: 'SpawnError' }],
  ])('fails with %s', async (_, name, code, reason, expected) => {
    await mark(await podOf(name), { phase: 'Failed', ...terminated(code, reason) });
    expect(await ended(name)).toMatchObject({ phase: 'Failed', ...expected });
  });

  test('is tried again if its node evicts its Pod, without a retry limit', async () => {
    const pod = await podOf('evicted', { retry: { initialSeconds: 0 } });
    const eviction = { reason: 'Evicted', message: 'The node was low on resource: memory.' };
    await mark(pod, { phase: 'Failed', ...eviction, ...terminated(143, 'Error') });
    expect(await ended('evicted')).toMatchObject({ phase: 'Failed', reason: 'Disrupted' });
    const { status } = await cluster.until('evicted', ({ active = [] }) => active.length === 1);
    expect(status!.active![0]).toMatchObject({ attempt: 2, disruptions: 1 });
  });

  test.skipIf(KUBE_MINOR < 26)(
    'is tried again if a drain evicts its Pod, once the Pod has ended',
    async () => {
      const pod = await runningPodOf('drained', { retry: { initialSeconds: 0 } });
      const { name } = pod.metadata;
      await cluster.admin.request({
        method: 'POST',
        path: `${PODS}/${name}/eviction`,
        body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } },
      });
      const marked = await eventually(async () => {
        const { metadata, status } = await reading(pod);
        return metadata.deletionTimestamp !== undefined && status;
      });
      expect(marked.conditions).toContainEqual(
        expect.objectContaining({ type: 'DisruptionTarget', status: 'True' }),
      );
      expect(cluster.runsOf('drained')).toMatchObject([{ phase: 'Running' }]);
      await mark(pod, { phase: 'Failed', ...terminated(143, 'Error') });
      (await kubelet.request()).response.end('last words\n');
      expect(await ended('drained')).toMatchObject({
        phase: 'Failed',
        reason: 'Disrupted',
        outputTail: 'last words\n',
        message: expect.stringMatching(/^The cluster took the Pod away: EvictionByEvictionAPI: /) as string,
      });
      const { status } = await cluster.until('drained', ({ active = [] }) => active.length === 1);
      expect(status!.active![0]).toMatchObject({ attempt: 2, disruptions: 1 });
    },
  );

  test('reports a missing image while the problem lasts', async () => {
    const pod = await podOf('imageless');
    const waiting = { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image' } };
    await mark(pod, { phase: 'Pending', ...container(waiting) });
    const { status } = await cluster.until('imageless', ({ active }) => active?.[0]?.message !== undefined);
    expect(status!.active![0]).toMatchObject({
      phase: 'Pending',
      message: 'The image "busybox:stable" cannot be pulled.',
    });
    await mark(pod, { phase: 'Running', ...container({ running: { startedAt: new Date().toISOString() } }) });
    await cluster.until(
      'imageless',
      ({ active: [run] = [] }) => run?.phase === 'Running' && run.message === undefined,
    );
    await mark(pod, { phase: 'Succeeded', ...terminated(0, 'Completed') });
    expect(await ended('imageless')).toMatchObject({ phase: 'Completed' });
  });

  test('reports that no node takes its Pod', async () => {
    const pod = await podOf('homeless');
    const unschedulable = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/3 nodes',
    };
    await mark(pod, { conditions: [unschedulable] });
    const { status } = await cluster.until('homeless', ({ active }) => active?.[0]?.message !== undefined);
    expect(status!.active![0]!.message).toBe('No node takes the Pod: 0/3 nodes');
  });

  test('that waits for its image for too long fails, and is retried', async () => {
    const pod = await podOf('hopeless', {
      job: { pendingTimeoutSeconds: 3 },
      retry: { limit: 1, initialSeconds: 0 },
    });
    await mark(pod, { phase: 'Pending', ...container({ waiting: { reason: 'ErrImagePull' } }) });
    expect(await ended('hopeless')).toMatchObject({
      phase: 'Failed',
      reason: 'Stuck',
      message: 'The image "busybox:stable" cannot be pulled.',
    });
    const { status } = await cluster.until('hopeless', ({ active = [] }) => active.length === 1);
    expect(status!.active![0]).toMatchObject({ attempt: 2, phase: 'Pending' });
    // The first attempt cannot start any more.
    await eventually(async () => {
      const left = await cluster.admin.json({ path: `${PODS}/${pod.metadata.name}` }).catch(() => undefined);
      return left === undefined;
    });
  });

  /** A run whose command runs on the played node. */
  async function runningPodOf(name: string, spec: JobSpecInput): Promise<Pod> {
    const pod = await podOf(name, spec);
    await kubelet.bind(cluster.admin, pod.metadata);
    await mark(pod, { phase: 'Running', ...container({ running: { startedAt: new Date().toISOString() } }) });
    await cluster.until(name, ({ active: [run] = [] }) => run?.phase === 'Running');
    return pod;
  }

  const reading = ({ metadata }: Pod) => cluster.admin.json<Pod>({ path: `${PODS}/${metadata.name}` });
  const stop = async (name: string) => {
    const [run] = cluster.get(name)!.status!.active!;
    await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/stop': run!.name } } });
  };

  test.each<[string, string, JobSpecInput, string]>([
    ['that a user stops', 'stopped', {}, 'StoppedByUser'],
    ['that exceeds its time limit', 'slow', { timeoutSeconds: 60 }, 'TimedOut'],
  ])('%s keeps its output, its exit code and its Pod', async (_, name, spec, reason) => {
    const pod = await runningPodOf(name, spec);
    if (reason === 'StoppedByUser') await stop(name);
    const deadline = reason === 'StoppedByUser' ? 1 : spec.timeoutSeconds;
    await eventually(async () => (await reading(pod)).spec?.activeDeadlineSeconds === deadline);
    // As the node does at the deadline.
    await mark(pod, { phase: 'Failed', reason: 'DeadlineExceeded', ...terminated(143, 'Error') });
    const { url, response } = await kubelet.request();
    expect(url).toContain(pod.metadata.name);
    response.end('last words\n');
    expect(await ended(name)).toMatchObject({
      phase: 'Killed',
      reason,
      exitCode: 143,
      outputTail: 'last words\n',
    });
    expect((await reading(pod)).status?.phase).toBe('Failed');
  });

  test('that an old kubelet reports as failed at its deadline ends with its container', async () => {
    const pod = await runningPodOf('early', { timeoutSeconds: 60 });
    const running = container({ running: { startedAt: new Date().toISOString() } });
    await mark(pod, { phase: 'Failed', reason: 'DeadlineExceeded', ...running });
    await cluster.waitFor(
      () => cluster.jobController.jobsOf('early').find((kubeJob) => hasEnded(kubeJob)),
      'the end of the Job',
    );
    // The operator has handled a later end, so it has handled this one.
    await mark(await podOf('after'), { phase: 'Succeeded', ...terminated(0, 'Completed') });
    await ended('after');
    expect(cluster.get('early')?.status?.active).toMatchObject([{ phase: 'Running' }]);
    await mark(pod, terminated(137, 'Error'));
    (await kubelet.request()).response.end('the end\n');
    expect(await ended('early')).toMatchObject({
      reason: 'TimedOut',
      exitCode: 137,
      outputTail: 'the end\n',
    });
  });

  test('that a stop has ended keeps its output, also while the Job controller has not seen it', async () => {
    const pod = await runningPodOf('unseen', {});
    await stop('unseen');
    await eventually(async () => (await reading(pod)).spec?.activeDeadlineSeconds === 1);
    const controllerManager = cluster.environment.controllerManagerPid!;
    process.kill(controllerManager, 'SIGSTOP');
    onTestFinished(() => void process.kill(controllerManager, 'SIGCONT'));
    await mark(pod, { phase: 'Failed', reason: 'DeadlineExceeded', ...terminated(143, 'Error') });
    // Each evaluation repeats the stop.
    await cluster.patch('unseen', { spec: { timeZone: 'Asia/Tokyo' } });
    await cluster.until('unseen', ({ observedGeneration }) => observedGeneration === 2);
    expect(cluster.jobController.jobsOf('unseen')[0]?.metadata.deletionTimestamp).toBeUndefined();
    process.kill(controllerManager, 'SIGCONT');
    (await kubelet.request()).response.end('last words\n');
    expect(await ended('unseen')).toMatchObject({ reason: 'StoppedByUser', outputTail: 'last words\n' });
  });

  test('that a stop does not end in time is deleted with its Job', async () => {
    const pod = await runningPodOf('deaf', { terminationGracePeriodSeconds: 0 });
    await stop('deaf');
    await eventually(async () => (await reading(pod)).spec?.activeDeadlineSeconds === 1);
    expect(cluster.jobController.jobsOf('deaf')).toMatchObject([
      { metadata: { name: expect.any(String) as string } },
    ]);
    // This node never ends it.
    expect(await ended('deaf')).toMatchObject({ phase: 'Killed', reason: 'StoppedByUser' });
    await eventually(() => reading(pod).then(() => false, isNotFound));
  });

  test('is deleted with its LshJob, and so is its Pod', async () => {
    const pod = await podOf('gone');
    await cluster.delete('gone');
    await eventually(async () => {
      const left = await cluster.admin.json({ path: `${PODS}/${pod.metadata.name}` }).catch(() => undefined);
      return left === undefined;
    });
  });
});
