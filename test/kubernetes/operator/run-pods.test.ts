// What the operator knows of the Pod of a run: whether its command runs, and what the Events say if it does not.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import type { KubeApi } from '../../../src/kubernetes/api/fence.ts';
import { NamespacedInformer } from '../../../src/kubernetes/api/watch/namespaced-informer.ts';
import type { KubeJob } from '../../../src/kubernetes/objects/kube-job-run.ts';
import type { Pod } from '../../../src/kubernetes/objects/pod.ts';
import { trimmedPod, UNFINISHED } from '../../../src/kubernetes/objects/pod.ts';
import { Lookups } from '../../../src/kubernetes/operator/lookups.ts';
import { RunPods } from '../../../src/kubernetes/operator/run-pods.ts';
import { KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const NAMESPACE = '/api/v1/namespaces/default';
const JOB_UID = '11111111-2222-3333-4444-555555555555';
const SECOND = 1000;
const MERGE = 'application/merge-patch+json';

describe.skipIf(NO_KUBE)('the Pod of a run', () => {
  let environment: KubeEnvironment;
  let client: KubeClient;
  let pods: NamespacedInformer<Pod>;
  let clock: ManualClock;
  let runPods: RunPods;
  /** Keys of jobs that the listener got. */
  const announced: string[] = [];
  let unique = 0;
  let run: string;

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    client = await environment.client();
    pods = new NamespacedInformer<Pod>({
      client,
      logger: keptLogger(),
      namespaces: [],
      pathOf: () => '/api/v1/pods',
      fieldSelector: UNFINISHED,
      trim: trimmedPod,
    });
    clock = new ManualClock(Date.now());
    const lookups = new Lookups({ clock, logger: keptLogger(), onRetry: (key) => announced.push(key) });
    runPods = new RunPods({ api: client, pods, lookups, clock }, (key) => announced.push(key));
    await pods.start();
  });
  beforeEach(() => {
    run = `backup-${++unique}`;
    announced.length = 0;
  });
  afterAll(async () => {
    runPods?.close();
    await pods?.stop();
    await environment?.stop();
  });

  const labels = () => ({ 'lsh.dev/job': 'backup', 'lsh.dev/run': run });

  function aKubeJob({ suspend, ...status }: { suspend?: boolean; active?: number } = {}): KubeJob {
    return {
      metadata: {
        name: run,
        namespace: 'default',
        uid: JOB_UID,
        resourceVersion: '1',
        creationTimestamp: new Date().toISOString(),
        labels: labels(),
      },
      spec: { template: {}, ...(suspend && { suspend }) },
      status,
    };
  }

  async function aPod(): Promise<Pod> {
    const containers = [{ name: 'run', image: 'i' }];
    const spec = { containers, restartPolicy: 'Never', activeDeadlineSeconds: 60 };
    const body = { metadata: { name: run, labels: labels() }, spec };
    const pod = await client.json<Pod>({ method: 'POST', path: `${NAMESPACE}/pods`, body });
    await eventually(() => pods.get(`default/${run}`) !== undefined);
    return pod;
  }

  async function mark(status: object): Promise<void> {
    const path = `${NAMESPACE}/pods/${run}/status`;
    await client.json({ method: 'PATCH', path, body: { status }, contentType: MERGE });
  }

  const container = (state: object) => ({
    containerStatuses: [{ name: 'run', image: 'i', imageID: '', ready: false, restartCount: 0, state }],
  });

  let said = 0;
  async function say(uid: string, type: string, reason: string, message: string): Promise<void> {
    // Each Event a second after the one before it.
    const time = new Date(Date.now() + ++said * SECOND).toISOString().replace(/\.\d+Z/, 'Z');
    const body = {
      metadata: {
        name: `${run}.${said}`,
        namespace: 'default',
      },
      involvedObject: {
        kind: reason === 'FailedCreate' ? 'Job' : 'Pod',
        namespace: 'default',
        name: run,
        uid,
      },
      type,
      reason,
      message,
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
    await client.json({ method: 'POST', path: `${NAMESPACE}/events`, body });
  }

  const pass = (seconds: number) => clock.advanceTo(clock.now() + seconds * SECOND);
  const isAnnounced = () => eventually(() => announced.splice(0).length > 0);

  test('that never comes: the run is stuck from its creation, and the Job controller says why', async () => {
    await say(
      JOB_UID,
      'Warning',
      'FailedCreate',
      'Error creating: pods "backup-1-x7k2q" is forbidden: exceeded quota',
    );
    expect(runPods.of(aKubeJob())).toEqual({ stuck: { forMs: 0 }, isWithoutPod: true });
    pass(9);
    expect(announced).toEqual([]);
    pass(1);
    await isAnnounced();
    const message = 'No Pod was created: forbidden: exceeded quota';
    expect(runPods.of(aKubeJob())).toEqual({ stuck: { message, forMs: 10 * SECOND }, isWithoutPod: true });
    await aPod();
    await isAnnounced();
    expect(runPods.of(aKubeJob({ active: 1 }))).toEqual({});
    runPods.forget(aKubeJob());
  });

  /** Observes runs by an API that keeps the paths of its reads. */
  function reading(): { observer: RunPods; asked: string[] } {
    const asked: string[] = [];
    const api: KubeApi = {
      json: (request) => {
        asked.push(request.path);
        return client.json(request);
      },
      request: (request) => client.request(request),
    };
    const lookups = new Lookups({ clock, logger: keptLogger(), onRetry: () => {} });
    return { observer: new RunPods({ api, pods, lookups, clock }, (key) => announced.push(key)), asked };
  }

  test('that never comes, and no Event says why: the second read, a minute later, says that', async () => {
    const { observer, asked } = reading();
    const kubeJob = { ...aKubeJob(), metadata: { ...aKubeJob().metadata, uid: 'unheard-of' } };
    observer.of(kubeJob);
    pass(10);
    // The first read has ended when it has planned the second.
    await eventually(() => clock.pending === 1);
    expect(asked).toHaveLength(1);
    expect(observer.of(kubeJob).stuck).toEqual({ forMs: 10 * SECOND });
    pass(60);
    await isAnnounced();
    expect(asked).toHaveLength(2);
    expect(observer.of(kubeJob).stuck?.message).toMatch(/no Pod, and no Event says why/);
    observer.close();
  });

  test('of a thousand runs that never comes: a few reads of the Events serve all of them', async () => {
    const { observer: many, asked } = reading();
    const waiting = Array.from({ length: 1000 }, (_, index) => {
      const metadata = { ...aKubeJob().metadata, uid: `waits-${index}`, name: `waits-${index}` };
      return {
        ...aKubeJob(),
        metadata: { ...metadata, labels: { ...labels(), 'lsh.dev/run': metadata.name } },
      };
    });
    await say('waits-7', 'Warning', 'FailedCreate', 'Error creating: pods "x" is forbidden: exceeded quota');
    for (const kubeJob of waiting) many.of(kubeJob);
    pass(10);
    await eventually(() => clock.pending === waiting.length - 1);
    expect(asked.length).toBeLessThanOrEqual(2);
    expect(announced).toHaveLength(1);
    expect(many.of(waiting[7]!).stuck?.message).toBe('No Pod was created: forbidden: exceeded quota');
    pass(60);
    await eventually(() => announced.length === waiting.length);
    expect(asked.length).toBeLessThanOrEqual(4);
    expect(many.of(waiting[8]!).stuck?.message).toMatch(/no Event says why/);
    many.close();
  });

  test('that a queue holds back: the wait counts from the end of the suspension', () => {
    const suspended = aKubeJob({ suspend: true });
    expect(runPods.of(suspended)).toEqual({ isWithoutPod: true });
    pass(3600);
    expect(runPods.of(suspended)).toEqual({ isWithoutPod: true });
    expect(runPods.of(aKubeJob()).stuck).toEqual({ forMs: 0 });
    pass(5);
    expect(runPods.of(aKubeJob()).stuck).toEqual({ forMs: 5 * SECOND });
    runPods.of(suspended);
    expect(runPods.of(aKubeJob()).stuck).toEqual({ forMs: 0 });
    runPods.forget(suspended);
  });

  test('that the Job controller has counted and that has ended is no problem', () => {
    expect(runPods.of(aKubeJob({ active: 1 }))).toEqual({});
  });

  test('whose volume does not mount: the kubelet says why, until the mount succeeds', async () => {
    const { metadata } = await aPod();
    await mark(container({ waiting: { reason: 'ContainerCreating' } }));
    await say(metadata.uid, 'Normal', 'Scheduled', 'Successfully assigned');
    await say(
      metadata.uid,
      'Warning',
      'FailedMount',
      'MountVolume.SetUp failed: configmap "absent" not found',
    );
    const kubeJob = aKubeJob({ active: 1 });
    expect(runPods.of(kubeJob)).toEqual({});
    pass(10);
    await isAnnounced();
    const message = 'The Pod does not start: MountVolume.SetUp failed: configmap "absent" not found';
    expect(runPods.of(kubeJob)).toEqual({ stuck: { message, forMs: 0 } });
    await say(metadata.uid, 'Normal', 'Pulling', 'Pulling image');
    pass(60);
    expect(runPods.of(kubeJob)).toEqual({ stuck: { message, forMs: 60 * SECOND } });
    await isAnnounced();
    expect(runPods.of(kubeJob)).toEqual({});
    runPods.forget(kubeJob);
  });

  test('that runs: the command began when its container did', async () => {
    await aPod();
    const kubeJob = aKubeJob({ active: 1 });
    await mark(container({ waiting: { reason: 'ErrImagePull' } }));
    await isAnnounced();
    expect(runPods.of(kubeJob).stuck?.message).toBe('The image "i" cannot be pulled.');
    await mark({ phase: 'Running', ...container({ running: { startedAt: '2026-01-01T00:00:07Z' } }) });
    await isAnnounced();
    const startedAt = Date.UTC(2026, 0, 1, 0, 0, 7);
    expect(runPods.of(kubeJob)).toEqual({ startedAt, limit: { ms: 60 * SECOND, forMs: 0 } });
    pass(5);
    expect(runPods.of(kubeJob)).toEqual({ startedAt, limit: { ms: 60 * SECOND, forMs: 5 * SECOND } });
    expect(runPods.running(kubeJob)?.metadata.name).toBe(run);
    const waiting = clock.pending;
    runPods.close();
    expect(clock.pending).toBe(waiting);
  });
});
