import { array, assert, constantFrom, integer, oneof, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fromCronJob, isCronJob } from '../../../src/kubernetes/objects/cron-job/cron-job.ts';
import type { LshError } from '../../../src/core/errors.ts';
import { compileSchedule } from '../../../src/core/schedule/schedule.ts';
import { parseManifest } from '../../../src/core/validate/validate.ts';
import { seeded } from '../../support/seed.ts';

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

/** With fields of the pod template beside its spec. */
function carriedTemplate(fields: object) {
  const cronJob = aCronJob();
  Object.assign(cronJob.spec.jobTemplate.spec.template, fields);
  const { job, notes } = fromCronJob(cronJob);
  parseManifest(job, 'cluster');
  return { job, notes };
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
      metadata: { name: 'report', annotations: { 'lsh.dev/imported-from': 'CronJob/report' } },
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
    [
      'the time that its Jobs stay',
      { job: { ttlSecondsAfterFinished: 600 } },
      { job: expect.objectContaining({ ttlSecondsAfterFinished: 600 }) as object },
    ],
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
    const ignoring = carried({ job: { podFailurePolicy: { rules: ignore } } });
    expect(ignoring.spec.retry).toMatchObject({ notOnExitCodes: [3, 4], disruptions: 100 });
    expect(ignoring.notes).toContainEqual(expect.stringContaining('retry.disruptions: 100'));
    const fail = [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }];
    expect(carried({ job: { podFailurePolicy: { rules: fail } } }).spec.retry).toMatchObject({
      disruptions: 0,
    });
    const count = [{ action: 'Count', onPodConditions: [{ type: 'ConfigIssue' }] }];
    expect(carried({ job: { podFailurePolicy: { rules: count } } }).notes.join()).toContain('left out');
  });

  test('a Kueue queue is the job’s', () => {
    const jobMetadata = { labels: { 'kueue.x-k8s.io/queue-name': 'night' } };
    const { spec, notes } = carried({ jobMetadata });
    expect(spec.job).toMatchObject({ queueName: 'night' });
    expect(notes).toHaveLength(1);
  });
});

describe('a container without a command', () => {
  test.each<[string, Parts, string[]]>([
    ['with arguments', { container: { command: undefined, args: ['--once', '$(A)'] } }, ['--once', '$(A)']],
    ['without arguments', { container: { command: undefined } }, []],
    ['with an empty command', { container: { command: [], args: null } }, []],
  ])('%s leaves the command to the image', (_what, parts, entrypointArgs) => {
    const { spec } = carried(parts);
    expect(spec.job).toMatchObject({ image: 'alpine:3.22', entrypointArgs });
    expect(spec).not.toHaveProperty('command');
    expect(spec).not.toHaveProperty('args');
  });
});

test('a script is as long as a kernel takes', () => {
  const script = `: ${'x'.repeat(100_000)}`;
  expect(carried({ container: { command: ['/bin/sh', '-c', script] } }).spec.command).toBe(script);
  expect(() => carried({ container: { command: ['/bin/sh', '-c', 'é'.repeat(66_000)] } })).toThrow(
    'spec.command must have at most 131071 bytes; it has 132000',
  );
});

describe('a renamed container is renamed wherever the pod names it', () => {
  const parts: Parts = {
    pod: {
      initContainers: [
        { name: 'run', image: 'i' },
        { name: 'run-init', image: 'i' },
      ],
      volumes: [
        {
          name: 'info',
          downwardAPI: {
            items: [{ path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } }],
          },
        },
      ],
    },
    container: {
      env: [
        { name: 'CPU', valueFrom: { resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } } },
      ],
    },
  };

  test('in the downward API and among init containers', () => {
    const { spec, notes } = carried(parts);
    expect(spec.env).toEqual([
      { name: 'CPU', valueFrom: { resourceFieldRef: { containerName: 'run', resource: 'limits.cpu' } } },
    ]);
    expect(spec.job!.podTemplate).toMatchObject({
      spec: {
        initContainers: [{ name: 'run-init-2' }, { name: 'run-init' }],
        volumes: [
          {
            downwardAPI: {
              items: [{ path: 'cpu', resourceFieldRef: { containerName: 'run', resource: 'limits.cpu' } }],
            },
          },
        ],
      },
    });
    expect(notes).toContainEqual(expect.stringContaining('init container "run" is called "run-init-2"'));
  });

  test('in the annotations that name containers; another one gets a note', () => {
    const annotations = {
      'container.apparmor.security.beta.kubernetes.io/main': 'runtime/default',
      'container.apparmor.security.beta.kubernetes.io/proxy': 'unconfined',
      'kubectl.kubernetes.io/default-container': 'main',
      'logs.example.com/main': 'json',
      'logs.example.com/format': 'main',
      'example.com/team': 'a',
    };
    const { job, notes } = carriedTemplate({ metadata: { annotations } });
    expect(job.spec.job!.podTemplate).toMatchObject({
      metadata: {
        annotations: {
          'container.apparmor.security.beta.kubernetes.io/run': 'runtime/default',
          'container.apparmor.security.beta.kubernetes.io/proxy': 'unconfined',
          'kubectl.kubernetes.io/default-container': 'run',
          'logs.example.com/main': 'json',
          'logs.example.com/format': 'main',
          'example.com/team': 'a',
        },
      },
    });
    expect(notes.filter((text) => text.includes('logs.example.com'))).toHaveLength(2);
  });
});

describe('the schedule means the same', () => {
  test.each([
    // A step above 1 is no star for a CronJob: either day field matches.
    ['0 0 */2 * 1', '0 0 1-31/2 * 1'],
    ['0 0 1,15 * */2', '0 0 1,15 * 0-6/2'],
    ['0 0 ?/2 * 1-5', '0 0 1-31/2 * 1-5'],
    ['5 9-17/2 */2 * MON', '5 9-17/2 1-31/2 * MON'],
    // A star anywhere in the list leaves the other field alone.
    ['0 0 1,* * 1', '0 0 * * 1'],
    ['0 0 13 * 5,*', '0 0 13 * *'],
    ['0 0 1,?/1 * 1', '0 0 * * 1'],
    // Spellings that lsh refuses.
    ['0,,30 0 * * *', '0,30 0 * * *'],
    ['*-5/15 0 * * *', '0-45/15 0 * * *'],
    ['0 +3 * * *', '0 3 * * *'],
  ])('%s becomes %s with a note', (written, expression) => {
    const { spec, notes } = carried({ spec: { schedule: written } });
    expect(spec.schedule).toBe(expression);
    expect(notes).toContainEqual(expect.stringContaining(`"${written}" became "${expression}"`));
  });

  test.each([
    ['0 0 */2 * *', '0 0 */2 * *'],
    ['0 0 * * */2', '0 0 * * */2'],
    ['0 0 */1 * 1', '0 0 */1 * 1'],
    ['*/10 */3 13 jan-mar Fri', '*/10 */3 13 jan-mar Fri'],
    ['0 2 ? * ?', '0 2 * * *'],
    ['? ?/2 * ? *', '* */2 * * *'],
    ['30 4/6 * * 3/2', '30 4/6 * * 3/2'],
    ['@midnight', '@midnight'],
    ['@every 1h30m', '@every 1h30m'],
  ])('%s needs no note and is %s', (written, expression) => {
    const { spec, notes } = carried({ spec: { schedule: written } });
    expect(spec.schedule).toBe(expression);
    expect(notes.join()).not.toContain('became');
  });

  test.each([
    ['@every 1.5h', '@every 5400s'],
    ['@every 90.9s', '@every 90s'],
    ['@every 1500ms', '@every 1s'],
    ['@every 10ms', '@every 1s'],
    ['@every 1h0.5m', '@every 3630s'],
  ])('%s has the whole seconds %s', (written, expression) => {
    expect(carried({ spec: { schedule: written } }).spec.schedule).toBe(expression);
  });

  test.each([
    ['0 0 0 * * *', 'five fields'],
    ['H 2 * * *', '"H" is no minute of a CronJob'],
    ['0 0 L * *', '"L" is no day of month'],
    ['0 0 * * 7', '"7" is no day of week'],
    ['0 22-2 * * *', '"22-2" is no hour'],
    ['0 0 * * sat-sun', '"sat-sun" is no day of week'],
    ['*/0 0 * * *', '"*/0" is no minute'],
    [', 0 * * *', 'minute field is empty'],
    ['0 0 30 2 *', 'no day ever matches'],
    ['@reboot', 'a macro such as @daily'],
    ['@every 1d', 'no length of time'],
    ['@every 9000h', '366 days'],
  ])('%s is refused', (written, message) => {
    expect(() => fromCronJob(aCronJob({ spec: { schedule: written } }))).toThrow(message);
  });

  test('a zone inside the schedule wins over timeZone', () => {
    const { spec, notes } = carried({ spec: { schedule: 'CRON_TZ=Asia/Tokyo 0 2 * * *' } });
    expect(spec).toMatchObject({ schedule: '0 2 * * *', timeZone: 'Asia/Tokyo' });
    expect(notes).toContainEqual(expect.stringContaining('which wins over Europe/Berlin'));
    expect(carried({ spec: { schedule: 'TZ= 0 2 * * *' } }).spec.timeZone).toBe('UTC');
    expect(refusal({ spec: { schedule: 'TZ=Local 0 2 * * *' } })).toEqual(['spec.schedule']);
  });

  test('any two day fields give the days of a CronJob', () => {
    const items = (max: number, min: number) => {
      const value = integer({ min, max });
      const range = tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
      const base = oneof(value.map(String), range, constantFrom('*', '?'));
      const step = oneof(
        constantFrom('', '/1'),
        integer({ min: 2, max: 9 }).map((by) => `/${by}`),
      );
      return array(
        tuple(base, step).map(([text, by]) => text + by),
        { minLength: 1, maxLength: 3 },
      ).map((list) => list.join(','));
    };
    assert(
      property(items(31, 1), items(6, 0), (day, weekday) => {
        const schedule = `0 0 ${day} * ${weekday}`;
        const { spec } = carried({ spec: { schedule, timeZone: 'UTC' } });
        const slots = compileSchedule({
          expressions: [spec.schedule!],
          timeZone: 'UTC',
          seed: '-',
          anchor: 0,
        });
        for (let date = Date.UTC(2027, 0, 1); date < Date.UTC(2027, 3, 1); date += 86_400_000) {
          const due = slots.count(date - 1, date) === 1;
          expect({ schedule, date, due }).toEqual({
            schedule,
            date,
            due: isDue(day, weekday, new Date(date)),
          });
        }
      }),
      seeded({}),
    );
  });
});

/** The rule of kube-controller-manager: a star in one day field leaves the days to the other; else either matches. */
function isDue(day: string, weekday: string, date: Date): boolean {
  const isStar = (text: string) => text.split(',').some((item) => /^[*?](?:\/1)?$/.test(item));
  const matches = (text: string, value: number, min: number, max: number) =>
    text.split(',').some((item) => {
      const [range = '', step = '1'] = item.split('/');
      const [low = '', high] = range.split('-');
      const from = /[*?]/.test(low) ? min : Number(low);
      const to = /[*?]/.test(low) || (high === undefined && item.includes('/')) ? max : Number(high ?? low);
      return value >= from && value <= to && (value - from) % Number(step) === 0;
    });
  const byDay = matches(day, date.getUTCDate(), 1, 31);
  const byWeekday = matches(weekday, date.getUTCDay(), 0, 6);
  return isStar(day) || isStar(weekday) ? byDay && byWeekday : byDay || byWeekday;
}

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
      { job: { ttlSecondsAfterFinished: 10 } },
      /ttlSecondsAfterFinished: 10 became 60/,
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
      'finalizers',
      { metadata: { finalizers: ['example.com/guard'] } },
      /example\.com\/guard guard the CronJob/,
    ],
    [
      'an owner',
      { metadata: { ownerReferences: [{ kind: 'Backup', name: 'b', uid: 'u' }] } },
      /Backup "b" owns the CronJob/,
    ],
    [
      'finalizers of the Jobs',
      { jobMetadata: { finalizers: ['a/b'] } },
      /jobTemplate\.metadata\.finalizers has no place/,
    ],
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
      annotations: { 'example.com/owner': 'me', 'lsh.dev/imported-from': 'CronJob/report' },
    });
    expect(notes).toHaveLength(1);
  });
});

describe('a CronJob that would become another job is refused', () => {
  test.each<[string, Parts, string]>([
    ['several pods at once', { job: { parallelism: 2 } }, 'parallelism'],
    ['several completions', { job: { completions: 3 } }, 'completions'],
    ['indexed completions', { job: { completionMode: 'Indexed' } }, 'completionMode'],
    ['a second container named run', { others: [{ name: 'run' }] }, 'template.spec.containers'],
  ])('%s', (_what, parts, path) => {
    const [refused = '', ...more] = refusal(parts);
    expect({ refused, more }).toEqual({ refused: `spec.jobTemplate.spec.${path}`, more: [] });
  });

  test('the error has all reasons at once', () => {
    expect(
      refusal({ job: { parallelism: 2, completions: 3 }, spec: { schedule: 'H 2 * * *' } }),
    ).toHaveLength(3);
  });
});

test('both versions of CronJob are recognised, and no other document', () => {
  expect(isCronJob(aCronJob())).toBe(true);
  expect(isCronJob({ ...aCronJob(), apiVersion: 'batch/v1beta1' })).toBe(true);
  expect(isCronJob({ ...aCronJob(), kind: 'Job' })).toBe(false);
  for (const other of [undefined, null, [], 'CronJob', parse('kind: LshJob')])
    expect(isCronJob(other)).toBe(false);
});
