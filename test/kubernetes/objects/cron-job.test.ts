import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fromCronJob, isCronJob } from '../../../src/kubernetes/objects/cron-job/cron-job.ts';
import type { LshError } from '../../../src/core/errors.ts';
import { parseManifest } from '../../../src/core/validate/validate.ts';

interface Parts {
  metadata?: object;
  spec?: object;
  job?: object;
  jobMetadata?: object;
  pod?: object;
  container?: object;
  others?: object[];
}

/** A CronJob with every required field. */
function aCronJob({ metadata, spec, job, jobMetadata, pod, container, others = [] }: Parts = {}) {
  const main = { name: 'main', image: 'alpine:3.22', command: ['backup'], ...container };
  const template = { spec: { restartPolicy: 'Never', containers: [main, ...others], ...pod } };
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'report', ...metadata },
    spec: {
      schedule: '0 2 * * *',
      timeZone: 'Europe/Berlin',
      jobTemplate: { metadata: jobMetadata, spec: { backoffLimit: 0, template, ...job } },
      ...spec,
    },
  };
}

function carried(parts?: Parts) {
  const { job, notes } = fromCronJob(aCronJob(parts));
  // The result must be admitted by a cluster.
  parseManifest(job, 'cluster');
  return { job, spec: job.spec, notes };
}

const containerOf = (parts: Parts) => {
  const template = carried(parts).spec.job!.podTemplate as {
    spec: { containers: Record<string, unknown>[] };
  };
  return template.spec.containers[0]!;
};

function refusal(parts: Parts): string[] {
  try {
    fromCronJob(aCronJob(parts));
  } catch (error) {
    expect(error).toMatchObject({ code: 'JOB_NOT_CARRIED' });
    return (error as LshError).problems.map(({ path }) => path);
  }
  throw new Error('it was not refused');
}

describe('a CronJob as an LshJob', () => {
  test('of plain fields gets one note, about the name of its container', () => {
    const { job, notes } = carried();
    expect(job).toEqual({
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name: 'report' },
      spec: {
        schedule: '0 2 * * *',
        timeZone: 'Europe/Berlin',
        concurrencyPolicy: 'Allow',
        successfulRunsHistoryLimit: 3,
        failedRunsHistoryLimit: 1,
        retry: { limit: 0 },
        args: ['backup'],
        terminationGracePeriodSeconds: 30,
        executor: 'Job',
        job: { image: 'alpine:3.22', podTemplate: { spec: { containers: [{ name: 'run' }] } } },
      },
    });
    expect(notes).toEqual(['The container "main" is called "run" in the pods of an LshJob.']);
  });

  test.each<[string, Parts, object]>([
    ['a suspended one', { spec: { suspend: true } }, { suspend: true }],
    ['its policy', { spec: { concurrencyPolicy: 'Replace' } }, { concurrencyPolicy: 'Replace' }],
    ['its deadline', { spec: { startingDeadlineSeconds: 200 } }, { startingDeadlineSeconds: 200 }],
    [
      'its history',
      { spec: { successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 7 } },
      { successfulRunsHistoryLimit: 0, failedRunsHistoryLimit: 7 },
    ],
    ['its time limit', { job: { activeDeadlineSeconds: 90 } }, { timeoutSeconds: 90 }],
    ['its grace', { pod: { terminationGracePeriodSeconds: 5 } }, { terminationGracePeriodSeconds: 5 }],
    ['a question mark', { spec: { schedule: '0 2 ? * ?' } }, { schedule: '0 2 * * *' }],
    ['a macro', { spec: { schedule: '@hourly' } }, { schedule: '@hourly' }],
    [
      'six tries by default',
      { job: { backoffLimit: undefined } },
      { retry: { limit: 6, initialSeconds: 10, factor: 2, maxSeconds: 360 } },
    ],
    ['a script', { container: { command: ['/bin/sh', '-c', 'a && b'] } }, { command: 'a && b' }],
    [
      'a script of another shell',
      { container: { command: ['/bin/bash', '-c'], args: ['a'] } },
      { command: 'a', shell: '/bin/bash' },
    ],
    [
      'a shell with more words',
      { container: { command: ['/bin/sh', '-c', 'a "$0"', 'b'] } },
      { args: ['/bin/sh', '-c', 'a "$0"', 'b'] },
    ],
    [
      'a command and its arguments',
      { container: { command: ['a'], args: ['$(B)', 'c d'] } },
      { args: ['a', '$(B)', 'c d'] },
    ],
    [
      'variables in their order, empty ones too',
      { container: { env: [{ name: 'B', value: '1' }, { name: 'A' }] } },
      {
        env: [
          { name: 'B', value: '1' },
          { name: 'A', value: '' },
        ],
      },
    ],
    [
      'variables from elsewhere',
      {
        container: {
          env: [{ name: 'P', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
          envFrom: [{ prefix: 'X_', configMapRef: { name: 'c', optional: true } }],
        },
      },
      {
        env: [{ name: 'P', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
        envFrom: [{ prefix: 'X_', configMapRef: { name: 'c', optional: true } }],
      },
    ],
  ])('%s is carried', (_what, parts, expected) => {
    expect(carried(parts).spec).toMatchObject(expected);
  });

  test('variables with names that a job cannot have stay in the pod template, all of them', () => {
    const env = [
      { name: 'plain', value: '1' },
      { name: 'with.dots', value: '$(plain)' },
    ];
    expect(containerOf({ container: { env } })).toEqual({ name: 'run', env });
    expect(carried({ container: { env } }).spec).not.toHaveProperty('env');
  });

  test('everything else of the pod stays in its template', () => {
    const pod = {
      serviceAccountName: 'robot',
      initContainers: [{ name: 'i', image: 'i' }],
      volumes: [{ name: 'v' }],
    };
    const container = {
      volumeMounts: [{ name: 'v', mountPath: '/v' }],
      resources: { limits: { cpu: '1' } },
      workingDir: 'x',
    };
    const { podTemplate } = carried({ pod, container }).spec.job!;
    expect(podTemplate).toEqual({ spec: { ...pod, containers: [{ name: 'run', ...container }] } });
  });

  test('exit codes that end the Job at once are never retried', () => {
    const rules = [
      { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [3, 4] } },
    ];
    const { spec, notes } = carried({ job: { backoffLimit: 2, podFailurePolicy: { rules } } });
    expect(spec.retry).toMatchObject({ limit: 2, notOnExitCodes: [3, 4] });
    expect(notes.join()).not.toContain('podFailurePolicy');
    const ignore = [...rules, { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }];
    expect(carried({ job: { podFailurePolicy: { rules: ignore } } }).notes).toContainEqual(
      expect.stringContaining('podFailurePolicy'),
    );
  });

  test('a Kueue queue is the job’s', () => {
    const jobMetadata = { labels: { 'kueue.x-k8s.io/queue-name': 'night' } };
    const { spec, notes } = carried({ jobMetadata });
    expect(spec.job).toMatchObject({ queueName: 'night' });
    expect(notes).toHaveLength(1);
  });
});

describe('a difference gets a note', () => {
  test.each<[string, Parts, RegExp]>([
    ['no zone', { spec: { timeZone: undefined } }, /^timeZone: none is set/],
    [
      'a zone inside the schedule',
      { spec: { timeZone: undefined, schedule: 'TZ=Asia/Tokyo 0 2 * * *' } },
      /Asia\/Tokyo/,
    ],
    ['@every', { spec: { schedule: '@every 1h' } }, /@every counts from the creation/],
    ['a deadline of zero', { spec: { startingDeadlineSeconds: 0 } }, /startingDeadlineSeconds: 0 became 1/],
    ['a very long history', { spec: { failedJobsHistoryLimit: 500 } }, /500 became 100/],
    ['restarts in place', { pod: { restartPolicy: 'OnFailure' } }, /OnFailure becomes Never/],
    ['retries', { job: { backoffLimit: 3 } }, /backoffLimit: 3 became retry\.limit/],
    [
      'a limit over all attempts',
      { job: { backoffLimit: 3, activeDeadlineSeconds: 9 } },
      /bounds each of them/,
    ],
    ['a second container', { others: [{ name: 'proxy', image: 'p' }] }, /proxy too/],
    [
      'deletion after a time',
      { job: { ttlSecondsAfterFinished: 60 } },
      /ttlSecondsAfterFinished has no place/,
    ],
    [
      'labels of the Jobs',
      { jobMetadata: { labels: { a: 'b' } } },
      /jobTemplate\.metadata\.labels has no place/,
    ],
    ['a field of the future', { spec: { moonPhase: 'full' } }, /spec\.moonPhase has no place/],
    ['a name with dots', { metadata: { name: 'a.b' } }, /a\.b became a-b/],
    ['a skipped slot under Forbid', { spec: { concurrencyPolicy: 'Forbid' } }, /Forbid skips stays skipped/],
    ['a resumption', { spec: { suspend: true } }, /not run when it is resumed/],
    [
      'marks of another tool',
      { metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm', team: 'a' } } },
      /managed-by belong to the tool/,
    ],
  ])('%s', (_what, parts, expected) => {
    expect(carried(parts).notes).toContainEqual(expect.stringMatching(expected));
  });

  test('labels are carried; kubectl’s own annotation is dropped without a note', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'example.com/owner': 'me',
    };
    const { job, notes } = carried({ metadata: { labels: { team: 'a' }, annotations, namespace: 'ops' } });
    expect(job.metadata).toEqual({
      name: 'report',
      namespace: 'ops',
      labels: { team: 'a' },
      annotations: { 'example.com/owner': 'me' },
    });
    expect(notes).toHaveLength(1);
  });
});

describe('a CronJob that would become another job is refused', () => {
  test.each<[string, Parts, string]>([
    [
      'the image’s own entrypoint',
      { container: { command: undefined, args: ['x'] } },
      'template.spec.containers[0].command',
    ],
    ['several pods at once', { job: { parallelism: 2 } }, 'parallelism'],
    ['several completions', { job: { completions: 3 } }, 'completions'],
    ['indexed completions', { job: { completionMode: 'Indexed' } }, 'completionMode'],
    ['a second container named run', { others: [{ name: 'run' }] }, 'template.spec.containers'],
  ])('%s', (_what, parts, path) => {
    const [refused = '', ...more] = refusal(parts);
    expect({ refused, more }).toEqual({ refused: `spec.jobTemplate.spec.${path}`, more: [] });
  });

  test('the error has all reasons at once', () => {
    expect(refusal({ job: { parallelism: 2, completions: 3 }, container: { command: [] } })).toHaveLength(3);
  });
});

test('both versions of CronJob are recognised, and no other document', () => {
  expect(isCronJob(aCronJob())).toBe(true);
  expect(isCronJob({ ...aCronJob(), apiVersion: 'batch/v1beta1' })).toBe(true);
  expect(isCronJob({ ...aCronJob(), kind: 'Job' })).toBe(false);
  for (const other of [undefined, null, [], 'CronJob', parse('kind: LshJob')])
    expect(isCronJob(other)).toBe(false);
});
