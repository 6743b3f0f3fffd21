import { expect, test } from 'vitest';
import { specChanges } from '../../src/core/spec-changes.ts';
import { parseSpec } from '../../src/core/validate/validate.ts';

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

test('each changed field is named with its path and both values', () => {
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
    { path: 'env.A', before: '1' },
    { path: 'env.B', before: '2', after: '3' },
    { path: 'env.C', after: '' },
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
