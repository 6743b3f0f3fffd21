// The Kubernetes Job of a run: its manifest, and what the real server and Job controller do with it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { RunEnd } from '../../../src/core/run.ts';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { isOutdated, kubeJobManifest, RUN_LABEL } from '../../../src/kubernetes/objects/kube-job.ts';
import { createRequest, dryRunRequest } from '../../../src/kubernetes/objects/kube-job-request.ts';
import {
  hasEnded,
  isOwnedBy,
  observationOf,
  recordedRun,
  type KubeJob,
} from '../../../src/kubernetes/objects/kube-job-run.ts';
import type { Pod } from '../../../src/kubernetes/objects/pod.ts';
import type { KubeList } from '../../../src/kubernetes/api/objects.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { aJob, aRun, at } from '../../support/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { KUBE_MINOR, KubeEnvironment, NO_KUBE, NO_MANAGER } from '../../support/cluster/kube.ts';

const DEFAULTS = { image: 'busybox:stable' };
const JOBS = '/apis/batch/v1/namespaces/default/jobs';
const PODS = '/api/v1/namespaces/default/pods';
const LOOKS_A_CHANGE = 200;

const clusterJob = (spec: JobSpecInput, job: Partial<Job> = {}) =>
  aJob({ executor: 'Job', ...spec }, { namespace: 'default', key: 'default/backup', ...job });
const manifestOf = (spec: JobSpecInput) =>
  kubeJobManifest(clusterJob(spec), aRun({ executor: 'Job' }), DEFAULTS);
const podOf = (spec: JobSpecInput) => manifestOf(spec).spec!.template.spec!;
const containerOf = (spec: JobSpecInput) => podOf(spec).containers[0]!;

describe('the manifest of a run', () => {
  test.each<[string, JobSpecInput, boolean]>([
    ['nothing', {}, false],
    ['the schedule', { schedule: '5 5 * * *', suspend: true, retry: { limit: 2 } }, false],
    ['the command', { command: 'false' }, true],
    ['the service account', { job: { serviceAccountName: 'backup' } }, true],
    ['the queue', { job: { queueName: 'night' } }, true],
  ])('tells whether an edit of %s concerns the Pod', (_, edit, expected) => {
    const run = aRun({ executor: 'Job', startAfter: at('2026-01-01T00:01:07Z') + 123 });
    const started = kubeJobManifest(clusterJob({}), run, DEFAULTS) as unknown as KubeJob;
    const edited = kubeJobManifest(clusterJob(edit), recordedRun(started)!, DEFAULTS);
    expect(isOutdated(started, edited)).toBe(expected);
  });

  test('names its owner, its slot and its run, and allows one try', () => {
    const { metadata, spec } = manifestOf({ timeoutSeconds: 60 });
    expect(metadata).toMatchObject({
      name: 'backup-1',
      namespace: 'default',
      labels: { 'lsh.dev/job': 'backup', 'lsh.dev/run': 'backup-1' },
      annotations: { 'lsh.dev/slot': '2026-01-01T00:01:00Z', 'lsh.dev/attempt': '1' },
      ownerReferences: [{ kind: 'LshJob', name: 'backup', uid: 'uid-of-backup', controller: true }],
    });
    expect(spec!.podFailurePolicy!.rules).toEqual([
      { action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    ]);
    expect(spec).toMatchObject({ backoffLimit: 0, template: { spec: { activeDeadlineSeconds: 60 } } });
    // The Job controller would delete the Pod, and its log with it.
    expect(spec).not.toHaveProperty('activeDeadlineSeconds');
    expect(spec!.template.metadata!.labels).toMatchObject({ 'lsh.dev/run': 'backup-1' });
    expect(spec!.template.spec).toMatchObject({ restartPolicy: 'Never', terminationGracePeriodSeconds: 10 });
  });

  describe('with defaults', () => {
    const podSecurityContext = { runAsNonRoot: true };
    const securityContext = { allowPrivilegeEscalation: false };
    const resources = { requests: { cpu: '10m' } };
    const defaults = { ...DEFAULTS, podSecurityContext, securityContext, resources };
    const contexts = (
      job: JobSpecInput['job'],
      more: Partial<typeof defaults & { ownImages: boolean }> = {},
    ) => {
      const manifest = kubeJobManifest(clusterJob({ job }), aRun({ executor: 'Job' }), {
        ...defaults,
        ...more,
      });
      const pod = manifest.spec!.template.spec!;
      return [pod.securityContext, pod.containers[0]!.securityContext, pod.containers[0]!.resources];
    };

    test('has their resources and security contexts', () => {
      expect(contexts(undefined)).toEqual([podSecurityContext, securityContext, resources]);
      expect(contexts({ serviceAccountName: 'backup' })).toEqual([
        podSecurityContext,
        securityContext,
        resources,
      ]);
    });

    test.each<[string, JobSpecInput['job']]>([
      ['of the container', { securityContext: { runAsUser: 0 } }],
      ['that is empty', { securityContext: {} }],
      ['of the Pod', { podTemplate: { spec: { securityContext: { runAsUser: 7 } } } }],
      [
        'of a container of the template',
        { podTemplate: { spec: { containers: [{ name: 'run', securityContext: { runAsUser: 7 } }] } } },
      ],
    ])('keeps a security context %s, and gets no other', (_, job) => {
      const without = { podSecurityContext: undefined, securityContext: undefined };
      expect(contexts(job)).toEqual(contexts(job, without));
    });

    test.each<[string, JobSpecInput['job']]>([
      ['the command', { image: 'postgres:17' }],
      ['the template', { podTemplate: { spec: { containers: [{ name: 'run', image: 'postgres:17' }] } } }],
      ['another container', { podTemplate: { spec: { initContainers: [{ name: 'a', image: 'alpine' }] } } }],
    ])('leaves an image of %s the rights that it may need, unless it is told to restrict it', (_, job) => {
      expect(contexts(job)).toEqual([undefined, undefined, resources]);
      expect(contexts(job, { ownImages: true })).toEqual([podSecurityContext, securityContext, resources]);
    });

    test('keeps the resources of the job', () => {
      const own = { limits: { memory: '1Gi' } };
      expect(contexts({ resources: own })[2]).toEqual(own);
    });
  });

  test('lets Kubernetes delete it, if the spec says when', () => {
    expect(manifestOf({ job: { ttlSecondsAfterFinished: 600 } }).spec).toMatchObject({
      ttlSecondsAfterFinished: 600,
    });
    expect(manifestOf({}).spec).not.toHaveProperty('ttlSecondsAfterFinished');
  });

  test('has the labels and annotations of the LshJob, and so has its Pod', () => {
    const labels = { team: 'ops', tier: 'job', 'lsh.dev/run': 'other', 'job-name': 'other' };
    const annotations = { owner: 'ops@example.com', 'lsh.dev/imported-from': 'CronJob/a' };
    const template = { metadata: { labels: { tier: 'pod' }, annotations: { owner: 'them' } } };
    const job = clusterJob({ job: { podTemplate: template } }, { labels, annotations });
    const { metadata, spec } = kubeJobManifest(job, aRun({ executor: 'Job' }), DEFAULTS);
    const ours = {
      'lsh.dev/job': 'backup',
      'lsh.dev/run': 'backup-1',
      'app.kubernetes.io/managed-by': 'lsh',
    };
    expect(metadata!.labels).toEqual({ team: 'ops', tier: 'job', ...ours });
    expect(metadata!.annotations).toMatchObject({ owner: 'ops@example.com', 'lsh.dev/attempt': '1' });
    expect(metadata!.annotations).not.toHaveProperty('lsh.dev/imported-from');
    // The template speaks of Pods alone, so it wins there.
    expect(spec!.template.metadata).toEqual({
      labels: { team: 'ops', tier: 'pod', ...ours },
      annotations: { owner: 'them' },
    });
  });

  test('is the same Pod after an edit of labels: none is replaced for it', () => {
    const [before, after] = [{ team: 'ops' }, { team: 'dev' }].map((labels) =>
      kubeJobManifest(clusterJob({}, { labels }), aRun({ executor: 'Job' }), DEFAULTS),
    );
    expect(isOutdated(before as unknown as KubeJob, after!)).toBe(false);
  });

  test('a run without a timeout has no deadline', () => {
    expect(podOf({})).not.toHaveProperty('activeDeadlineSeconds');
  });

  test.each([
    [
      'a command runs in the default shell',
      { command: 'echo "$A" | wc' },
      ['/bin/sh', '-c', 'echo "$A" | wc'],
    ],
    ['a command runs in its own shell', { command: 'a', shell: '/bin/bash' }, ['/bin/bash', '-c', 'a']],
    ['args run without a shell', { command: undefined, args: ['echo', '$A'] }, ['echo', '$A']],
  ])('%s', (_, spec, command) => {
    expect(containerOf(spec)).toMatchObject({ name: 'run', command, image: 'busybox:stable' });
  });

  test.each([
    ['with arguments', ['--once'], ['--once']],
    ['without arguments', [], undefined],
  ])('an entrypoint %s runs in place of any command of the template', (_, entrypointArgs, args) => {
    const podTemplate = { spec: { containers: [{ name: 'run', command: ['a'], args: ['b'] }] } };
    const container = containerOf({
      command: undefined,
      job: { image: 'renovate:41', entrypointArgs, podTemplate },
    });
    expect(JSON.parse(JSON.stringify(container))).toMatchObject({
      image: 'renovate:41',
      ...(args && { args }),
    });
    expect(container.command).toBeUndefined();
    expect(container.args).toEqual(args);
  });

  test('the command gets the variables of its run, which no other source can override', () => {
    const { env } = containerOf({
      env: [
        { name: 'LSH_SLOT', value: 'mine' },
        { name: 'A', value: 'a' },
      ],
    });
    expect(env).toContainEqual({ name: 'A', value: 'a' });
    expect(env!.filter(({ name }) => name === 'LSH_SLOT')).toEqual([
      { name: 'LSH_SLOT', value: '2026-01-01T00:01:00Z' },
    ]);
    expect(env!.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['LSH_JOB', 'LSH_RUN', 'LSH_ATTEMPT', 'LSH_SCHEDULED_AT']),
    );
  });

  test('a traced run has TRACEPARENT, which the job may set itself, and its Pod counts as the same', () => {
    const run = aRun({ executor: 'Job' });
    const traced = (spec: JobSpecInput) =>
      kubeJobManifest(clusterJob(spec), { ...run, traceparent: 'of-the-run' }, DEFAULTS);
    const valueOf = (spec: JobSpecInput) =>
      traced(spec).spec!.template.spec!.containers[0]!.env!.filter(({ name }) => name === 'TRACEPARENT');
    const own = [{ name: 'TRACEPARENT', value: 'of-the-job' }];
    const podTemplate = { spec: { containers: [{ name: 'run', env: own }] } };
    expect(valueOf({})).toEqual([{ name: 'TRACEPARENT', value: 'of-the-run' }]);
    expect(valueOf({ env: own })).toEqual(own);
    expect(valueOf({ job: { podTemplate } })).toEqual(own);
    expect(isOutdated(traced({}) as unknown as KubeJob, kubeJobManifest(clusterJob({}), run, DEFAULTS))).toBe(
      false,
    );
  });

  test('sources keep their prefix, and optional moves to where Kubernetes expects it', () => {
    expect(containerOf({ secretsEnv: 'prod', envFrom: [{ configMapRef: { name: 'c' } }] }).envFrom).toEqual([
      { secretRef: { name: 'lsh-secrets-prod' } },
      { configMapRef: { name: 'c' } },
    ]);
    const envFrom = [
      { prefix: 'A_', optional: true, configMapRef: { name: 'a' } },
      { secretRef: { name: 'b' } },
    ];
    expect(containerOf({ envFrom }).envFrom).toEqual([
      { prefix: 'A_', configMapRef: { name: 'a', optional: true } },
      { secretRef: { name: 'b' } },
    ]);
  });

  test('the spec overrides the pod template, which keeps its other fields', () => {
    const pod = podOf({
      command: 'true',
      env: [{ name: 'B', value: 'spec' }],
      job: {
        image: 'spec:1',
        nodeSelector: { a: 'spec' },
        tolerations: [{ key: 'spec' }],
        volumes: [{ name: 'v', emptyDir: {} }],
        volumeMounts: [{ name: 'v', mountPath: '/spec' }],
        podTemplate: {
          metadata: { labels: { team: 'a', 'lsh.dev/run': 'forged' }, annotations: { note: 'kept' } },
          spec: {
            hostNetwork: true,
            restartPolicy: 'Always',
            nodeSelector: { a: 'template', b: 'template' },
            tolerations: [{ key: 'template' }],
            volumes: [
              { name: 'v', hostPath: { path: '/' } },
              { name: 'w', emptyDir: {} },
            ],
            containers: [
              { name: 'side', image: 'side:1' },
              {
                name: 'run',
                image: 'template:1',
                command: ['template'],
                args: ['template'],
                env: [
                  { name: 'A', value: 'template' },
                  { name: 'B', value: 'template' },
                ],
                volumeMounts: [{ name: 'w', mountPath: '/template' }],
                stdin: true,
              },
            ],
          },
        },
      },
    });
    expect(pod).toMatchObject({
      hostNetwork: true,
      restartPolicy: 'Never',
      nodeSelector: { a: 'spec', b: 'template' },
      tolerations: [{ key: 'template' }, { key: 'spec' }],
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'w', emptyDir: {} },
      ],
    });
    expect(pod.volumes![0]).not.toHaveProperty('hostPath');
    expect(pod.containers.map(({ name }) => name)).toEqual(['run', 'side']);
    expect(pod.containers[0]).toMatchObject({
      image: 'spec:1',
      command: ['/bin/sh', '-c', 'true'],
      stdin: true,
      volumeMounts: [{ mountPath: '/template' }, { mountPath: '/spec' }],
    });
    expect(pod.containers[0]!.args).toBeUndefined();
    expect(pod.containers[0]!.env).toEqual(
      expect.arrayContaining([
        { name: 'A', value: 'template' },
        { name: 'B', value: 'spec' },
      ]),
    );
  });

  test('null in the template is an absent value', () => {
    const volumes = [{ name: 'v', emptyDir: {} }];
    const run = { name: 'run', env: null, envFrom: null, volumeMounts: null };
    for (const spec of [
      null,
      { volumes: null, tolerations: null, initContainers: null, containers: [run] },
    ]) {
      const job = { podTemplate: { metadata: null, spec }, volumes, nodeSelector: { a: 'b' } };
      expect(podOf({ job })).toMatchObject({
        volumes,
        nodeSelector: { a: 'b' },
        containers: [{ name: 'run' }],
      });
    }
  });

  test('the server checks it strictly, and a dry run creates nothing', () => {
    const job = clusterJob({ job: { podTemplate: {} } });
    expect(createRequest(job, aRun({ executor: 'Job' }), DEFAULTS).query).toEqual({
      fieldValidation: 'Strict',
    });
    expect(dryRunRequest(job, DEFAULTS).query).toEqual({ fieldValidation: 'Strict', dryRun: 'All' });
  });

  test('the template’s labels stay, but cannot override ours', () => {
    const podTemplate = {
      metadata: { labels: { team: 'a', 'lsh.dev/run': 'forged' }, annotations: { note: 'kept' } },
    };
    expect(manifestOf({ job: { podTemplate } }).spec!.template.metadata).toMatchObject({
      labels: { team: 'a', 'lsh.dev/run': 'backup-1' },
      annotations: { note: 'kept' },
    });
  });

  test('queueName becomes Kueue’s label on the Job', () => {
    expect(manifestOf({ job: { queueName: 'night' } }).metadata!.labels).toMatchObject({
      'kueue.x-k8s.io/queue-name': 'night',
    });
    expect(manifestOf({}).metadata!.labels).not.toHaveProperty('kueue.x-k8s.io/queue-name');
  });
});

describe('the observation of a Kubernetes Job', () => {
  const condition = (type: string, reason?: string) => ({
    type,
    status: 'True',
    lastTransitionTime: '2026-01-01T00:05:00Z',
    ...(reason && { reason }),
  });
  const jobObject = (status: object) =>
    ({
      metadata: { name: 'backup-1', creationTimestamp: '2026-01-01T00:01:00Z' },
      status,
    }) as unknown as KubeJob;
  const pod = (terminated: object | undefined, status: object = {}) =>
    ({
      metadata: { name: 'p', creationTimestamp: '2026-01-01T00:01:01Z' },
      status: { ...status, containerStatuses: [{ name: 'run', state: terminated ? { terminated } : {} }] },
    }) as unknown as Pod;
  const failed = {
    startTime: '2026-01-01T00:01:02Z',
    conditions: [condition('Failed', 'BackoffLimitExceeded')],
  };

  test('a Job that is about to end has not ended', () => {
    const conditions = [condition('SuccessCriteriaMet'), { ...condition('Complete'), status: 'False' }];
    expect(observationOf(jobObject({ startTime: '2026-01-01T00:01:02Z', conditions }), [])).toEqual({
      name: 'backup-1',
      state: 'Pending',
    });
  });

  test('a Job that ended before its deletion ended by itself; one whose Pods fail after it did not', () => {
    const deletedAt = (deletionTimestamp: string): KubeJob => {
      const object = jobObject(failed);
      return { ...object, metadata: { ...object.metadata, deletionTimestamp } };
    };
    expect(observationOf(jobObject(failed), [])).toMatchObject({ byItself: true });
    expect(observationOf(deletedAt('2026-01-01T00:05:01Z'), [])).toMatchObject({ byItself: true });
    expect(observationOf(deletedAt('2026-01-01T00:05:00Z'), [])).not.toHaveProperty('byItself');
    // A stop passes the deadline of the Pod.
    const past = [pod({ exitCode: 143 }, { reason: 'DeadlineExceeded' })];
    expect(observationOf(jobObject(failed), past)).not.toHaveProperty('byItself');
    const complete = jobObject({ conditions: [condition('Complete')] });
    expect(observationOf(complete, [])).toMatchObject({ exitCode: 0, byItself: true });
  });

  test.each<[string, object, Pod[], string | undefined]>([
    [
      'its Pod',
      { failed: 1 },
      [pod({ exitCode: 3, startedAt: '2026-01-01T00:01:04Z' })],
      '2026-01-01T00:01:04Z',
    ],
    ['its Job, once the Pod is gone', { failed: 1 }, [], '2026-01-01T00:01:02Z'],
    ['no object, without a Pod', {}, [], undefined],
  ])('the start of a run is that of %s', (_, counted, pods, startedAt) => {
    const observed = observationOf(jobObject({ ...failed, ...counted }), pods);
    expect((observed as RunEnd).startedAt).toBe(startedAt === undefined ? undefined : at(startedAt));
  });

  test.each<[string, Pod[], object]>([
    ['an exit code', [pod({ exitCode: 3 })], { exitCode: 3 }],
    [
      'a kill for memory',
      [pod({ exitCode: 137, reason: 'OOMKilled' })],
      { exitCode: 137, reason: 'OutOfMemory' },
    ],
    ['a program that is not there', [pod({ exitCode: 128, reason: 'StartError' })], { reason: 'SpawnError' }],
    [
      'an eviction by its node',
      [pod({ exitCode: 143 }, { reason: 'Evicted', message: 'The node was low on resource: memory.' })],
      {
        reason: 'Disrupted',
        message: 'The cluster took the Pod away: Evicted: The node was low on resource: memory.',
      },
    ],
    [
      'a drain',
      [
        pod(
          { exitCode: 143 },
          { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }] },
        ),
      ],
      { reason: 'Disrupted', message: 'The cluster took the Pod away: EvictionByEvictionAPI' },
    ],
    [
      'too much disk of its own',
      [
        pod(
          { exitCode: 137 },
          { reason: 'Evicted', message: 'Usage of EmptyDir volume "v" exceeds the limit "1Mi".' },
        ),
      ],
      { reason: 'Lost' },
    ],
    ['a Pod that ended without its container', [pod(undefined)], { reason: 'Lost' }],
    [
      'a passed deadline',
      [pod({ exitCode: 143 }, { reason: 'DeadlineExceeded' })],
      { reason: 'TimedOut', exitCode: 143 },
    ],
    [
      'a deadline that passed before the command began',
      [pod(undefined, { reason: 'DeadlineExceeded' })],
      { reason: 'TimedOut' },
    ],
    ['no Pod at all', [], { reason: 'Lost' }],
  ])('%s is read from the Pod', (_, pods, expected) => {
    expect(observationOf(jobObject(failed), pods)).toMatchObject({
      state: 'Ended',
      finishedAt: at('2026-01-01T00:05:00Z'),
      ...expected,
    });
  });

  test('a disruption is read from the Job if its Pod is gone', () => {
    const rule = {
      ...condition('Failed', 'PodFailurePolicy'),
      message: 'Pod a/b has condition DisruptionTarget',
    };
    const ended = observationOf(jobObject({ ...failed, conditions: [rule] }), []);
    expect(ended).toMatchObject({ state: 'Ended', reason: 'Disrupted' });
    expect(ended).toHaveProperty(
      'message',
      'The cluster took the Pod away: Pod a/b has condition DisruptionTarget',
    );
  });

  test('an eviction has no exit code: its Pod’s is that of the TERM', () => {
    expect(
      observationOf(jobObject(failed), [pod({ exitCode: 143 }, { reason: 'Evicted' })]),
    ).not.toHaveProperty('exitCode');
  });

  test('the newest of several Pods counts', () => {
    const older = pod({ exitCode: 1 });
    older.metadata.creationTimestamp = '2026-01-01T00:00:00Z';
    expect(observationOf(jobObject(failed), [older, pod({ exitCode: 2 })])).toMatchObject({ exitCode: 2 });
  });
});

describe.skipIf(NO_KUBE)('a Kubernetes Job in a cluster', () => {
  let environment: KubeEnvironment;
  let client: KubeClient;
  let owner: Job;

  beforeAll(async () => {
    environment = await KubeEnvironment.start();
    client = await environment.client();
    const created = await client.json<LshJob>({
      method: 'POST',
      path: lshJobPath('default'),
      body: {
        apiVersion: 'lsh.dev/v1alpha1',
        kind: 'LshJob',
        metadata: { name: 'backup' },
        spec: { schedule: '* * * * *', command: 'true' },
      },
    });
    owner = clusterJob({}, { uid: created.metadata.uid });
    if (!NO_MANAGER) await environment.startControllerManager();
  });
  afterAll(() => environment?.stop());

  const create = (name: string, spec: JobSpecInput = {}) =>
    client.json<KubeJob>({
      method: 'POST',
      path: JOBS,
      body: kubeJobManifest(clusterJob(spec, { uid: owner.uid }), aRun({ name, executor: 'Job' }), DEFAULTS),
    });

  const podsOf = async (run: string) => {
    const query = { labelSelector: `${RUN_LABEL}=${run}` };
    return (await client.json<KubeList<Pod>>({ path: PODS, query })).items;
  };

  /** Acts as the kubelet: ends the Pod of the run. */
  async function endPod(
    run: string,
    terminated: { exitCode: number; reason?: string },
    status: object = {},
  ): Promise<void> {
    const [pod] = await eventually(async () => {
      const pods = await podsOf(run);
      return pods.length > 0 && pods;
    });
    const now = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    await client.json({
      method: 'PATCH',
      path: `${PODS}/${pod!.metadata.name}/status`,
      contentType: 'application/merge-patch+json',
      body: {
        status: {
          phase: terminated.exitCode === 0 ? 'Succeeded' : 'Failed',
          ...status,
          containerStatuses: [
            {
              name: 'run',
              image: 'busybox',
              imageID: '',
              ready: false,
              restartCount: 0,
              state: { terminated: { ...terminated, startedAt: now, finishedAt: now } },
            },
          ],
        },
      },
    });
  }

  /** The Job controller of 1.20 can miss a deadline when its cache lags; any change makes it check again. */
  const touch = (name: string, count: number) =>
    client.request({
      method: 'PATCH',
      path: `${JOBS}/${name}`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { looked: String(count) } } },
    });

  /** The Job controller of 1.20 waits 10 s after an error, then 20 s, and so on. */
  const ended = (name: string) => {
    let looks = 0;
    return eventually(
      async () => {
        if (++looks % LOOKS_A_CHANGE === 0) await touch(name, looks);
        const job = await client.json<KubeJob>({ path: `${JOBS}/${name}` });
        return hasEnded(job) && job;
      },
      { withinMs: 120_000, what: `the end of the Job ${name}` },
    );
  };

  test('is admitted under strict validation with every field of a spec', async () => {
    const spec: JobSpecInput = {
      args: ['true'],
      command: undefined,
      timeoutSeconds: 5,
      workingDir: '/tmp',
      env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      envFrom: [{ secretRef: { name: 's' }, optional: true }],
      job: {
        imagePullPolicy: 'Never',
        resources: { limits: { memory: '1Gi' } },
        tolerations: [{ key: 'a', operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        volumes: [{ name: 'v', emptyDir: {} }],
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
        securityContext: { runAsNonRoot: true },
        queueName: 'q',
      },
    };
    const created = await client.json<KubeJob>({
      method: 'POST',
      path: JOBS,
      query: { dryRun: 'All', ...(KUBE_MINOR >= 27 && { fieldValidation: 'Strict' }) },
      body: kubeJobManifest(clusterJob(spec, { uid: owner.uid }), aRun({ executor: 'Job' }), DEFAULTS),
    });
    expect(isOwnedBy(created, owner.uid)).toBe(true);
    expect(isOwnedBy(created, 'another')).toBe(false);
    expect(created.metadata.labels).toMatchObject({ 'lsh.dev/run': 'backup-1' });
  });

  test.skipIf(NO_MANAGER)('completes, fails with its exit code, or exceeds its deadline', async () => {
    await Promise.all([create('good'), create('bad'), create('slow', { timeoutSeconds: 1 })]);
    await endPod('good', { exitCode: 0 });
    await endPod('bad', { exitCode: 3, reason: 'Error' });
    await endPod('slow', { exitCode: 143 }, { reason: 'DeadlineExceeded' });
    const [good, bad, slow] = await Promise.all(['good', 'bad', 'slow'].map((name) => ended(name)));
    expect(observationOf(good!, [])).toMatchObject({ state: 'Ended', exitCode: 0 });
    expect(observationOf(bad!, await podsOf('bad'))).toMatchObject({ state: 'Ended', exitCode: 3 });
    const timedOut = { state: 'Ended', reason: 'TimedOut', exitCode: 143 };
    expect(observationOf(slow!, await podsOf('slow'))).toMatchObject(timedOut);
    expect(bad!.status).not.toHaveProperty('active', 1);
  });
});
