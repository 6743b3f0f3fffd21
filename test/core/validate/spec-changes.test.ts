import { describe, expect, test } from 'vitest';
import { specChanges } from '../../../src/core/validate/spec-changes.ts';
import { parseSpec } from '../../../src/core/validate/validate.ts';

const before = parseSpec(
  {
    schedule: '@daily',
    command: 'a',
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ],
    tags: ['x'],
  },
  'local',
);

test('equal specs have no changes, in any order of fields and variables', () => {
  const { command, ...rest } = structuredClone(before);
  const after = { ...rest, env: [...before.env!].reverse(), description: undefined, command };
  expect(specChanges(before, after)).toEqual([]);
});

test('each changed field is named with its path and both values, a variable with its name alone', () => {
  const { schedule: _, ...rest } = before;
  const after = {
    ...rest,
    schedules: ['@daily', '@weekly'],
    tags: ['x', 'y'],
    retry: { ...before.retry, limit: 3 },
    env: [
      { name: 'B', value: '3' },
      { name: 'C', value: '' },
    ],
  };
  expect(specChanges(before, after)).toEqual([
    { path: 'schedule', before: '@daily' },
    { path: 'env.A', change: 'removed' },
    { path: 'env.B', change: 'changed' },
    { path: 'env.C', change: 'added' },
    { path: 'retry.limit', before: 0, after: 3 },
    { path: 'tags', before: ['x'], after: ['x', 'y'] },
    { path: 'schedules', after: ['@daily', '@weekly'] },
  ]);
});

test('a new block is one change, and variables are compared by name', () => {
  const { env: _, ...bare } = before;
  expect(specChanges(bare, { ...bare, job: { image: 'a' } })).toEqual([
    { path: 'job', after: { image: 'a' } },
  ]);
  expect(specChanges(before, bare).map(({ path }) => path)).toEqual(['env.A', 'env.B']);
});

describe('the value of a variable is in no change', () => {
  const SECRET = 'hunter2';
  const pod = (value: string, image = 'a') => ({
    ...before,
    job: {
      podTemplate: {
        spec: {
          initContainers: [{ name: 'first', env: [{ name: 'PASSWORD', value }] }],
          containers: [{ name: 'main', image, env: [{ name: 'PASSWORD', value }] }, { name: 'beside' }],
        },
      },
    },
  });
  const annotated = (value: string) => ({
    ...before,
    metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `{"env":"${value}"}` } },
  });

  test.each<[string, object, object, string[]]>([
    [
      'of a container',
      pod(SECRET),
      pod('new', 'b'),
      [
        'job.podTemplate.spec.initContainers.first.env.PASSWORD',
        'job.podTemplate.spec.containers.main.image',
        'job.podTemplate.spec.containers.main.env.PASSWORD',
      ],
    ],
    ['of a new pod template', before, pod(SECRET), ['job']],
    ['of a removed pod template', pod(SECRET), before, ['job']],
    [
      'that another container gets',
      pod(SECRET),
      { ...before, job: { podTemplate: { spec: {} } } },
      ['job.podTemplate.spec.initContainers', 'job.podTemplate.spec.containers'],
    ],
    [
      'in a list without names',
      { ...before, x: [{ env: [{ name: 'A', value: SECRET }, null] }] },
      before,
      ['x'],
    ],
    [
      'that share a name',
      { ...before, env: [...before.env!, { name: 'A', value: SECRET }] },
      { ...before, env: [...before.env!, { name: 'A', value: 'new' }] },
      ['env'],
    ],
    [
      'in the manifest that kubectl keeps',
      annotated(SECRET),
      annotated('new'),
      ['metadata.annotations.kubectl.kubernetes.io/last-applied-configuration'],
    ],
    [
      'from a source',
      { ...before, env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: SECRET } } }] },
      before,
      ['env.A', 'env.B'],
    ],
  ])('%s', (_what, left, right, paths) => {
    const changes = specChanges(left, right);
    expect(changes.map(({ path }) => path)).toEqual(paths);
    expect(JSON.stringify(changes)).not.toContain(SECRET);
  });
});
