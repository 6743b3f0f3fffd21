// When a job is overdue: too long without a success, whatever the cause.
import { describe, expect, test } from 'vitest';
import { LshError } from '../../../../src/core/errors.ts';
import type { JobSpecInput } from '../../../../src/core/spec/job-spec.ts';
import { at } from '../../../support/builders.ts';
import { World } from '../../../support/core/world.ts';

const HOURLY = { schedule: '0 * * * *', expectSuccessWithin: '90m' };

const overdueOf = ({ job }: World) => job.status?.conditions.find(({ type }) => type === 'Overdue');
const overdueEvents = ({ events }: World) => events.filter((event) => event === 'JobOverdue').length;

describe('a job without a success', () => {
  test('is overdue at the instant, not before, and says so once', () => {
    const world = new World(HOURLY);
    expect(world.evaluate('2026-01-01T00:00:01Z').wakeAt).toBe(at('2026-01-01T01:00:00Z'));
    world.evaluate('2026-01-01T01:00:00Z');
    world.end({ exitCode: 1 });
    const { wakeAt } = world.evaluate('2026-01-01T01:29:59.999Z');
    expect(wakeAt).toBe(at('2026-01-01T01:30:00Z'));
    expect(overdueOf(world)).toMatchObject({ status: 'False', reason: 'InTime' });
    world.evaluate('2026-01-01T01:30:00Z');
    world.evaluate('2026-01-01T01:45:00Z');
    expect(overdueOf(world)).toMatchObject({
      status: 'True',
      reason: 'NoSuccess',
      message: 'A run was to complete by 2026-01-01T01:30:00Z; none has completed yet.',
      lastTransitionAt: at('2026-01-01T01:30:00Z'),
    });
    expect(overdueEvents(world)).toBe(1);
  });

  test('counts from the last success, and is overdue no more after the next', () => {
    const world = new World(HOURLY);
    world.evaluate('2026-01-01T01:00:00Z');
    world.now = at('2026-01-01T01:10:00Z');
    world.end();
    world.evaluate();
    expect(overdueOf(world)?.message).toBe('A run is to complete by 2026-01-01T02:40:00Z.');
    world.evaluate('2026-01-01T02:00:00Z');
    world.evaluate('2026-01-01T02:40:00Z');
    expect(overdueOf(world)).toMatchObject({
      status: 'True',
      message:
        'A run was to complete by 2026-01-01T02:40:00Z; the last one completed at 2026-01-01T01:10:00Z.',
    });
    world.end();
    world.evaluate('2026-01-01T02:41:00Z');
    expect(overdueOf(world)?.status).toBe('False');
    world.evaluate('2026-01-01T03:00:00Z');
    world.evaluate('2026-01-01T05:00:00Z');
    expect(overdueEvents(world)).toBe(2);
  });
});

describe('the job is overdue whatever the cause', () => {
  const TEN = '2026-01-01T10:00:00Z';

  test.each<[string, JobSpecInput]>([
    ['its run hangs, so its slots are forbidden', HOURLY],
    ['its slots queue behind a run that hangs', { ...HOURLY, concurrencyPolicy: 'Queue' }],
    ['it is paused without an end', { ...HOURLY, suspend: true }],
    ['its slots are left out', { ...HOURLY, exceptDates: ['2026-01-01'] }],
    ['all its slots are missed', { ...HOURLY, missedRunPolicy: 'Skip', startingDeadlineSeconds: 1 }],
  ])('%s', (_, spec) => {
    const world = new World(spec);
    world.evaluate('2026-01-01T01:00:00Z');
    world.evaluate('2026-01-01T02:00:00Z');
    world.evaluate(TEN);
    expect(overdueOf(world)?.status).toBe('True');
    expect(overdueEvents(world)).toBe(1);
  });

  test('its spec became invalid', () => {
    const world = new World(HOURLY);
    world.evaluate('2026-01-01T00:10:00Z');
    world.problem = new LshError('JOB_INVALID', { detail: 'broken' });
    world.evaluate('2026-01-01T00:11:00Z');
    expect(world.evaluate('2026-01-01T00:12:00Z').wakeAt).toBe(at('2026-01-01T01:30:00Z'));
    world.evaluate(TEN);
    expect(overdueOf(world)?.status).toBe('True');
    expect(overdueEvents(world)).toBe(1);
  });
});

describe('nothing is expected', () => {
  test.each<[string, JobSpecInput]>([
    ['without the field', { schedule: '0 * * * *' }],
    ['after the last slot', { ...HOURLY, notAfter: '2026-01-01T00:30:00Z' }],
  ])('%s', (_, spec) => {
    const world = new World(spec);
    world.evaluate('2026-01-01T00:10:00Z');
    world.evaluate('2026-01-03T00:00:00Z');
    expect(overdueOf(world)).toBeUndefined();
  });

  test.each<[string, JobSpecInput]>([
    ['before notBefore', { ...HOURLY, notBefore: '2026-01-02T00:00:00Z' }],
    ['during a pause with an end', { ...HOURLY, suspend: true, resumeAt: '2026-01-02T00:00:00Z' }],
  ])('%s: the time counts from then', (_, spec) => {
    const world = new World(spec);
    world.evaluate('2026-01-01T23:00:00Z');
    expect(overdueOf(world)?.message).toBe('A run is to complete by 2026-01-02T01:30:00Z.');
  });
});

describe('auto', () => {
  const AUTO = { schedule: '0 1 * * *', expectSuccessWithin: 'auto' };
  const expected = (world: World) => /by (\S+)\.$/.exec(overdueOf(world)?.message ?? '')?.[1];

  test('is the next slot and five minutes, before anything is known of the job', () => {
    const world = new World(AUTO);
    world.evaluate('2026-01-01T00:10:00Z');
    expect(expected(world)).toBe('2026-01-01T01:05:00Z');
  });

  test('adds the timeout until the first success, then twice the usual duration', () => {
    const world = new World({ ...AUTO, timeoutSeconds: 3600 });
    world.evaluate('2026-01-01T00:10:00Z');
    expect(expected(world)).toBe('2026-01-01T02:05:00Z');
    world.evaluate('2026-01-01T01:00:00Z');
    world.now = at('2026-01-01T01:10:00Z');
    world.end();
    world.evaluate();
    expect(expected(world)).toBe('2026-01-02T01:25:00Z');
  });

  test('adds the retries with their longest delays, and the jitter', () => {
    const retry = { limit: 2, initialSeconds: 60, factor: 2, jitter: 0.5 };
    const world = new World({ ...AUTO, retry, jitterSeconds: 60 });
    world.evaluate('2026-01-01T00:10:00Z');
    // 1:00 + 5 min + 1 min of jitter + (1 + 2 min of delay) * 1.5
    expect(expected(world)).toBe('2026-01-01T01:10:30Z');
  });

  test('follows the days that the schedule leaves out', () => {
    const world = new World({ ...AUTO, exceptDates: ['2026-01-01', '2026-01-02'] });
    world.evaluate('2026-01-01T00:10:00Z');
    expect(expected(world)).toBe('2026-01-03T01:05:00Z');
  });
});

test('a success ahead of a clock that was set back counts from now', () => {
  const world = new World(HOURLY);
  world.evaluate('2026-01-01T01:00:00Z');
  world.end();
  world.evaluate('2026-01-01T01:00:01Z');
  world.setClockBy(-86_400);
  world.evaluate();
  expect(Date.parse(/by (\S+)\.$/.exec(overdueOf(world)!.message)![1]!)).toBeLessThanOrEqual(
    world.now + 90 * 60_000,
  );
});
