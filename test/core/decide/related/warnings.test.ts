// What a definition says about other jobs: circles, unknown jobs, groups with several numbers.
import { describe, expect, test } from 'vitest';
import { relatedWarnings, removalWarnings } from '../../../../src/core/decide/related/warnings.ts';
import type { JobSpecInput } from '../../../../src/core/spec/job-spec.ts';
import { aSpec } from '../../../support/builders.ts';

const named = (jobs: Record<string, JobSpecInput>) =>
  Object.entries(jobs).map(([name, spec]) => ({ name, spec: aSpec(spec) }));
const after = (...jobs: string[]): JobSpecInput => ({ after: jobs.map((job) => ({ job })) });
const warningsOf = (name: string, spec: JobSpecInput, others: Record<string, JobSpecInput> = {}) =>
  relatedWarnings({ name, spec: aSpec(spec) }, named(others));

describe('circles', () => {
  test.each([
    ['itself', after('a'), {}, 'a after a'],
    ['over one job', after('b'), { b: after('a') }, 'a after b after a'],
    [
      'over two jobs',
      after('x', 'b'),
      { b: after('c'), c: after('x', 'a'), x: {} },
      'a after b after c after a',
    ],
  ])('%s: refused', (_, spec, others, way) => {
    expect(() => warningsOf('a', spec, others)).toThrow(`The job "a" would start itself: ${way}.`);
  });

  test('two ways to one job are no circle, nor is a circle of others', () => {
    const others = { b: after('d'), c: after('d'), d: {}, e: after('f'), f: after('e') };
    expect(warningsOf('a', after('b', 'c', 'e'), others)).toEqual([]);
  });

  test('the definition counts, not the one that it replaces', () => {
    expect(warningsOf('a', after('b'), { a: after('c'), b: {}, c: after('a') })).toEqual([]);
  });
});

test('an unknown job is a warning', () => {
  expect(warningsOf('a', after('b', 'c'), { c: {} })).toEqual([
    'There is no job "b" yet; its ends start this job once it exists.',
  ]);
});

test('another number for the same group is a warning', () => {
  const group = (max: number) => ({ concurrencyGroup: { name: 'deploy', max } });
  const others = { a: group(3), b: group(2), c: { concurrencyGroup: { name: 'backup', max: 5 } } };
  expect(warningsOf('a', group(2), others)).toEqual([]);
  expect(warningsOf('a', group(1), others)).toEqual([
    'Job "b" gives the group deploy max 2, and this job 1: 1 applies.',
  ]);
});

test('a removed job leaves a warning for each job that follows it', () => {
  const others = named({ b: after('a', 'c'), c: after('b'), d: {} });
  expect(removalWarnings('a', others)).toEqual([
    'Job "b" follows job "a"; no end starts it until there is such a job again.',
  ]);
  expect(removalWarnings('d', others)).toEqual([]);
});
