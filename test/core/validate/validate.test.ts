import { describe, expect, test } from 'vitest';
import { LshError } from '../../../src/core/errors.ts';
import type { Platform } from '../../../src/core/executor.ts';
import { withPlatformDefaults } from '../../../src/core/validate/defaults.ts';
import { parseManifest, parseSpec } from '../../../src/core/validate/validate.ts';

const DAILY = { schedule: '0 2 * * *', command: 'true' };

function manifest(over: object = {}): Record<string, unknown> {
  return {
    apiVersion: 'lsh.dev/v1alpha1',
    kind: 'LshJob',
    metadata: { name: 'rotate' },
    spec: DAILY,
    ...over,
  };
}

function refusal(check: () => unknown): LshError {
  try {
    check();
  } catch (error) {
    if (error instanceof LshError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

/** Problems as `path: message`. */
function problems(spec: object, platform: Platform = 'local'): string[] {
  const error = refusal(() => parseSpec(spec, platform));
  expect(error.code).toBe('JOB_INVALID');
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('a good document', () => {
  test('comes back with its defaults and without what only a server sets', () => {
    const input = manifest({
      metadata: {
        name: 'rotate',
        namespace: 'team-a',
        labels: { a: 'b' },
        uid: '1',
        resourceVersion: '7',
        managedFields: [],
      },
      status: { phase: 'Scheduled' },
    });
    const { metadata, spec } = parseManifest(input, 'cluster');
    expect(metadata).toEqual({ name: 'rotate', namespace: 'team-a', labels: { a: 'b' } });
    expect(spec).toMatchObject({
      ...DAILY,
      concurrencyPolicy: 'Forbid',
      retry: { limit: 0, maxSeconds: 300 },
    });
  });

  test('may be a name of 63 characters', () => {
    const name = 'a'.repeat(63);
    expect(parseManifest(manifest({ metadata: { name } }), 'local').metadata.name).toBe(name);
  });
});

describe('a bad document', () => {
  test('is refused with every problem at once, each with its path', () => {
    const error = refusal(() =>
      parseManifest(
        {
          apiVersion: 'v1',
          metadata: { name: 'Rotate_Secrets', lables: {} },
          spec: {
            shcedule: '@daily',
            args: ['true'],
            command: 'true',
            retry: { limit: -1, limt: 2, maxSeconds: 1 },
            env: [{ name: '1a', value: 'x' }, { name: 'A', value: 5 }, {}],
            concurrencyPolicy: 'forbid',
            timeoutSeconds: 1.5,
            suspend: 'yes',
          },
        },
        'local',
      ),
    );
    expect(error.problems.map(({ path, message }) => `${path}: ${message}`).sort()).toEqual([
      'apiVersion: must be lsh.dev/v1alpha1, not "v1"',
      'kind: is required: LshJob',
      'metadata.lables: is not a known field; did you mean labels?',
      'metadata.name: must be lower-case letters, digits and hyphens, with a letter or digit at both ends; "rotate-secrets" would be valid',
      'spec.args: cannot stand beside command; keep one of them',
      'spec.concurrencyPolicy: must be one of Forbid, Allow, Replace, Queue, not "forbid"; did you mean Forbid?',
      'spec.env[0].name: must be letters, digits and underscores, not starting with a digit',
      'spec.env[1].value: must be text, not a number; put it in quotes',
      'spec.env[2].name: is required',
      'spec.retry.limit: must be at least 0, not -1',
      'spec.retry.limt: is not a known field; did you mean limit?',
      'spec.retry.maxSeconds: must be at least initialSeconds (10), not 1',
      'spec.schedule: is required (or schedules, or at): when the job is due',
      'spec.shcedule: is not a known field; did you mean schedule?',
      'spec.suspend: must be true or false, not text; without quotes',
      'spec.timeoutSeconds: must be a whole number, not 1.5',
    ]);
    expect(error.message).toContain('spec.retry.limit must be at least 0, not -1. ');
    expect(error.exitStatus).toBe(2);
  });

  test.each([null, undefined, 5, 'text', [], [{}]])('that is %j is refused', (input) => {
    expect(refusal(() => parseManifest(input, 'local')).message).toContain(
      'the document must be a mapping of fields',
    );
  });

  test.each([
    [undefined, 'is required'],
    [null, 'must be a mapping of fields'],
    [[], 'must be a mapping of fields'],
  ])('with the spec %j is refused', (spec, message) => {
    expect(refusal(() => parseManifest(manifest({ spec }), 'local')).problems).toEqual([
      { path: 'spec', message },
    ]);
  });

  test('with a name of 300 characters has one problem', () => {
    const error = refusal(() => parseManifest(manifest({ metadata: { name: 'A'.repeat(300) } }), 'local'));
    expect(error.message).toBe(
      'The job is not valid: metadata.name must have at most 63 characters; it has 300.',
    );
  });

  test.each(['', '-a', 'a-', 'a.b', 'A', 'é', 'a b', 5, null])('with the name %j is refused', (name) => {
    const error = refusal(() => parseManifest(manifest({ metadata: { name } }), 'local'));
    expect(error.problems.map(({ path }) => path)).toEqual(['metadata.name']);
  });

  test('names fields that every object inherits as unknown', () => {
    const input = JSON.parse(
      '{"schedule":"@daily","command":"true","constructor":1,"__proto__":2}',
    ) as object;
    expect(problems(input)).toEqual([
      'spec.constructor: is not a known field',
      'spec.__proto__: is not a known field',
    ]);
  });

  test('with a list where a mapping belongs is refused', () => {
    expect(problems({ ...DAILY, retry: [] })).toEqual([
      'spec.retry: must be a mapping of fields, not a list',
    ]);
  });

  test('names NUL characters wherever they are', () => {
    const spec = { ...DAILY, command: 'a\0b', env: [{ name: 'A', value: '\0' }], tags: ['ok', 'b\0'] };
    expect(problems(spec)).toEqual(
      ['command', 'env[0].value', 'tags[1]'].map((path) => `spec.${path}: must not contain NUL characters`),
    );
  });

  test('that contains itself is refused instead of followed for ever', () => {
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    expect(problems({ ...DAILY, job: { affinity: loop } }, 'cluster')).toEqual([
      'spec: must not be nested deeper than 64 levels',
    ]);
  });

  test('with many problems tells twenty, counts the rest, and stops at fifty', () => {
    const withProblems = (length: number) =>
      refusal(() => parseSpec({ ...DAILY, env: Array.from({ length }, () => ({})) }, 'local'));
    expect(withProblems(40).problems).toHaveLength(40);
    expect(withProblems(40).message).toMatch(/And 20 more\.$/);
    expect(withProblems(1000).problems).toHaveLength(50);
    expect(withProblems(1000).message).toMatch(/And 30 or more\.$/);
  });

  test.each([
    ['unknown fields', Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`unknown${index}`, 1]))],
    ['NUL characters', { args: Array.from({ length: 60 }, () => '\0') }],
    ['variables of one name', { env: Array.from({ length: 60 }, () => ({ name: 'A', value: '' })) }],
  ])('stops at fifty %s', (_, fields) => {
    expect(refusal(() => parseSpec({ ...DAILY, ...fields }, 'local')).problems).toHaveLength(50);
  });

  test('never shows the value of a variable', () => {
    const env = [
      { name: 'A', value: ['hunter2'] },
      { name: 'hunter 2', value: 'hunter2' },
    ];
    expect(refusal(() => parseSpec({ ...DAILY, env }, 'local')).message).not.toContain('hunter2');
  });
});

describe('an entrypoint in place of a command', () => {
  const job = { image: 'renovate:41', entrypointArgs: ['--once'] };

  test('needs executor Job and an image', () => {
    expect(parseSpec({ schedule: '@daily', job }, 'cluster').job).toMatchObject(job);
    expect(problems({ schedule: '@daily', job: { entrypointArgs: [] } }, 'cluster')).toEqual([
      'spec.job.entrypointArgs: needs job.image, whose entrypoint runs',
    ]);
    expect(problems({ schedule: '@daily', job }, 'local')).toEqual([
      expect.stringContaining('spec.job: goes with executor Job only'),
    ]);
  });

  test.each([
    ['command', 'true'],
    ['args', ['true']],
  ])('cannot stand beside %s', (field, value) => {
    expect(problems({ schedule: '@daily', job, [field]: value }, 'cluster')).toEqual([
      `spec.job.entrypointArgs: cannot stand beside ${field}: it leaves the command to the image`,
    ]);
  });

  test('runs without a shell', () => {
    expect(problems({ schedule: '@daily', job, shell: '/bin/sh' }, 'cluster')).toEqual([
      'spec.shell: goes with command only; args run without a shell',
    ]);
  });
});

test('a command of a Kubernetes Job may have as many bytes as a kernel takes', () => {
  const long = { ...DAILY, command: 'x'.repeat(131_071) };
  expect(parseSpec(long, 'cluster').command).toHaveLength(131_071);
  expect(problems({ ...DAILY, command: 'é'.repeat(65_536) }, 'cluster')).toEqual([
    'spec.command: must have at most 131071 bytes; it has 131072',
  ]);
  expect(problems({ ...DAILY, command: 'x'.repeat(131_072) }, 'cluster')).toEqual([
    'spec.command: must have at most 131071 characters; it has 131072',
  ]);
});

test('background children need a shell run', () => {
  const spec = { ...DAILY, backgroundChildren: 'keep' };
  expect(parseSpec(spec, 'local').backgroundChildren).toBe('keep');
  expect(parseSpec({ ...spec, executor: 'Shell' }, 'cluster').backgroundChildren).toBe('keep');
  expect(problems(spec, 'cluster')).toEqual([
    'spec.backgroundChildren: works with executor Shell only; the container of a Kubernetes Job ends with its command',
  ]);
});

test('a job to follow stands in place of a schedule', () => {
  const spec = { command: 'true', after: [{ job: 'backup' }] };
  expect(parseSpec(spec, 'local').after).toEqual([{ job: 'backup', when: 'Completed' }]);
});

describe('fields that exclude or need each other', () => {
  test.each<[string, object, string[]]>([
    [
      'no schedule',
      { command: 'true' },
      ['spec.schedule: is required (or schedules, or at): when the job is due'],
    ],
    [
      'a job that is followed twice',
      { ...DAILY, after: [{ job: 'backup' }, { job: 'backup', when: 'Failed' }] },
      ['spec.after[1].job: must be unique; backup stands above: `when: Ended` is for all its ends'],
    ],
    [
      'a group whose name is none',
      { ...DAILY, concurrencyGroup: { name: 'Deploy' } },
      ['spec.concurrencyGroup.name: must be lower-case letters, digits and hyphens'],
    ],
    [
      'two kinds of schedule',
      { ...DAILY, schedules: ['@daily'] },
      ['spec.schedules: cannot stand beside schedule; keep one of them'],
    ],
    ['no command', { schedule: '@daily' }, ['spec.command: is required (or args): what the job runs']],
    ['a blank command', { ...DAILY, command: ' \n' }, ['spec.command: must not be blank']],
    ['no program', { schedule: '@daily', args: ['', 'x'] }, ['spec.args[0]: must name a program']],
    [
      'a shell for args',
      { schedule: '@daily', args: ['true'], shell: '/bin/sh' },
      ['spec.shell: goes with command only; args run without a shell'],
    ],
    [
      'a command of 10,001 characters in a shell run',
      { ...DAILY, command: 'x'.repeat(10_001) },
      ['spec.command: must have at most 10000 characters in a shell run; it has 10001'],
    ],
    [
      'an argument of 10,001 characters in a shell run',
      { schedule: '@daily', args: ['a', 'x'.repeat(10_001)] },
      ['spec.args[1]: must have at most 10000 characters in a shell run; it has 10001'],
    ],
    [
      'a relative directory',
      { ...DAILY, workingDir: 'src' },
      ['spec.workingDir: must be an absolute path, not "src"'],
    ],
    [
      'an end before its beginning',
      { ...DAILY, notBefore: '2026-01-02T00:00:00Z', notAfter: '2026-01-02T01:00:00+02:00' },
      ['spec.notAfter: must be later than notBefore'],
    ],
    [
      'days the calendar does not have, and a date alone',
      { ...DAILY, notBefore: '2026-02-30T00:00:00Z', notAfter: '2026-03-01' },
      [
        'spec.notAfter: must be an instant such as 2026-01-31T12:00:00Z, not "2026-03-01"',
        'spec.notBefore: must be an instant such as 2026-01-31T12:00:00Z, not "2026-02-30T00:00:00Z"',
      ],
    ],
    [
      'a retry that would have to shrink',
      { ...DAILY, retry: { initialSeconds: 400 } },
      ['spec.retry.maxSeconds: must be at least initialSeconds (400), not 300'],
    ],
    [
      'an exit code both retried and not',
      { ...DAILY, retry: { onExitCodes: [1, 2, 75], notOnExitCodes: [75, 3, 1] } },
      ['spec.retry.notOnExitCodes: must not repeat codes of onExitCodes: 75, 1'],
    ],
    [
      'a variable set twice, one without a value and one with two',
      {
        ...DAILY,
        env: [
          { name: 'A', value: '' },
          { name: 'A', value: '1' },
          { name: 'B' },
          { name: 'C', value: '', valueFrom: {} },
        ],
      },
      [
        'spec.env[1].name: must be unique; A is set above',
        'spec.env[2]: must have a value (or, in a cluster, valueFrom)',
        'spec.env[3]: must have value or valueFrom, not both',
      ],
    ],
    [
      'a source of two kinds and one of none',
      { ...DAILY, envFrom: [{ file: '/a', secretRef: { name: 'b' } }, { prefix: 'A_' }] },
      [
        'spec.envFrom[0]: must have exactly one of file, configMapRef, secretRef',
        'spec.envFrom[1]: must have exactly one of file, configMapRef, secretRef',
      ],
    ],
    [
      'secrets, which this version cannot deliver',
      { ...DAILY, secretsEnv: 'Prod 1' },
      ['spec.secretsEnv: must be letters, digits, dots, hyphens and underscores, not "Prod 1"'],
    ],
    [
      'a variable longer than a process can be given',
      { ...DAILY, env: [{ name: 'A', value: 'é'.repeat(65_535) }] },
      ['spec.env[0]: must have at most 131071 bytes with its name; it has 131072'],
    ],
    [
      'more variables than a process can be given',
      {
        ...DAILY,
        env: Array.from({ length: 12 }, (_, i) => ({ name: `A${i}`, value: 'x'.repeat(100_000) })),
      },
      ['spec.env: must have at most 1048576 bytes in all; it has 1200050'],
    ],
  ])('%s is refused', (_, spec, expected) => {
    expect(problems(spec)).toEqual(expected);
  });
});

describe('schedules and zones', () => {
  test('are checked one by one', () => {
    const found = problems({
      schedules: ['@daily', '0 2 * *', '0 0 31 2 *', ' '],
      timeZone: 'Europe/Olso',
      command: 'true',
    });
    expect(found).toHaveLength(4);
    expect(found[0]).toMatch(/^spec\.schedules\[1\]: is not a schedule: it has 4 fields, not 5/);
    expect(found[1]).toMatch(/^spec\.schedules\[2\]: is not a schedule: /);
    expect(found[2]).toMatch(/^spec\.schedules\[3\]: is not a schedule: it is empty/);
    expect(found[3]).toBe('spec.timeZone: must be a time zone, not "Europe/Olso". Did you mean Europe/Oslo?');
  });

  test('of a start of the daemon are for the local daemon only', () => {
    expect(parseSpec({ schedule: '@reboot', command: 'true' }, 'local').schedule).toBe('@reboot');
    expect(problems({ schedule: '@reboot', command: 'true' }, 'cluster')).toEqual([
      'spec.schedule: must not be @reboot: it needs a local daemon, and a cluster has none',
    ]);
  });
});

describe('what each platform admits', () => {
  test('the local daemon refuses what only a cluster has', () => {
    const spec = {
      ...DAILY,
      executor: 'Job',
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }],
      envFrom: [{ secretRef: { name: 'a' } }, { file: 'relative.env' }],
    };
    expect(problems(spec)).toEqual([
      'spec.executor: must be Shell here: Kubernetes Jobs run in a cluster; add the job with --cluster',
      'spec.env[0].valueFrom: works in a cluster with executor Job only; give a value',
      'spec.envFrom[0].secretRef: works in a cluster only; use file',
      'spec.envFrom[1].file: must be an absolute path, not "relative.env"',
    ]);
    expect(problems({ ...DAILY, job: {} })).toEqual([
      'spec.job: goes with executor Job only; a shell run has no Pod of its own',
    ]);
  });

  test('a cluster refuses files, and references for shell runs', () => {
    const envFrom = [{ file: '/a' }, { configMapRef: { name: 'a' } }, { secretRef: {}, optional: true }];
    expect(problems({ ...DAILY, envFrom }, 'cluster')).toEqual([
      'spec.envFrom[0].file: works in the local daemon only; use configMapRef or secretRef',
      'spec.envFrom[2].secretRef.name: is required',
      'spec.envFrom[2].optional: goes with file only; put it inside the reference',
    ]);
    expect(
      problems({ ...DAILY, executor: 'Shell', envFrom: [{ configMapRef: { name: 'a' } }] }, 'cluster'),
    ).toEqual(['spec.envFrom[0].configMapRef: works with executor Job only']);
  });

  test('a cluster takes a job block, references and valueFrom with its default executor', () => {
    const spec = {
      ...DAILY,
      job: { image: 'busybox', nodeSelector: { disk: 'ssd' } },
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }],
      envFrom: [{ configMapRef: { name: 'a' }, prefix: 'X_' }],
    };
    expect(parseSpec(spec, 'cluster')).toMatchObject(spec);
  });
});

describe('the defaults of a platform', () => {
  const spec = parseSpec(DAILY, 'cluster');

  test('are a shell and captured output locally, a Kubernetes Job in a cluster', () => {
    expect(withPlatformDefaults(spec, 'local', { timeZone: 'Europe/Oslo' })).toMatchObject({
      executor: 'Shell',
      timeZone: 'Europe/Oslo',
      captureOutput: true,
    });
    expect(withPlatformDefaults(spec, 'cluster', { timeZone: 'UTC' })).toMatchObject({
      executor: 'Job',
      timeZone: 'UTC',
      captureOutput: true,
    });
  });

  test('keep the output of a run with secrets out of a cluster unless asked', () => {
    const secret = { ...spec, envFrom: [{ secretRef: { name: 'a' } }] };
    expect(withPlatformDefaults(secret, 'cluster', { timeZone: 'UTC' }).captureOutput).toBe(false);
    expect(withPlatformDefaults(secret, 'local', { timeZone: 'UTC' }).captureOutput).toBe(true);
    const asked = { ...secret, captureOutput: true };
    expect(withPlatformDefaults(asked, 'cluster', { timeZone: 'UTC' }).captureOutput).toBe(true);
  });

  test('do not override what the spec says', () => {
    const said = { ...spec, timeZone: 'Asia/Tokyo', executor: 'Shell' as const, captureOutput: false };
    expect(withPlatformDefaults(said, 'cluster', { timeZone: 'UTC' })).toEqual(said);
  });
});

describe('a podTemplate', () => {
  const inTemplate = (podTemplate: object) => ({ ...DAILY, job: { podTemplate } });

  test.each([
    [
      'containers that are a mapping',
      { spec: { containers: {} } },
      'spec.containers: must be a list of mappings',
    ],
    [
      'a container that is a text',
      { spec: { containers: ['run'] } },
      'spec.containers: must be a list of mappings',
    ],
    ['one volume', { spec: { volumes: { name: 'v' } } }, 'spec.volumes: must be a list of mappings'],
    ['a list as its spec', { spec: [] }, 'spec: must be a mapping'],
    ['a text as its labels', { metadata: { labels: 'a=b' } }, 'metadata.labels: must be a mapping'],
    [
      'variables as a mapping',
      { spec: { containers: [{ name: 'run', env: { A: 'b' } }] } },
      'spec.containers[0].env: must be a list of mappings',
    ],
  ])('with %s is refused', (_, podTemplate, problem) => {
    expect(problems(inTemplate(podTemplate), 'cluster')).toEqual([`spec.job.podTemplate.${problem}`]);
  });

  test('may have null for an absent value, as in Kubernetes, and fields that lsh does not know', () => {
    const podTemplate = { metadata: { labels: null }, spec: { containers: null, volumes: null, later: 1 } };
    expect(parseSpec(inTemplate(podTemplate), 'cluster').job).toMatchObject({ podTemplate });
    expect(parseSpec(inTemplate({ metadata: null, spec: null }), 'cluster').job).toBeDefined();
  });
});
