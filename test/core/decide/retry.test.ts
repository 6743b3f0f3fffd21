import { expect, test } from 'vitest';
import { isRetried, nextAttempt, retryDelayMs } from '../../../src/core/decide/retry.ts';
import { aJob, aRun } from '../../support/builders.ts';

const retry = aJob({ retry: { limit: 3, initialSeconds: 10, factor: 3, maxSeconds: 60, jitter: 0 } }).spec
  .retry;

test('delays grow by the factor and stop growing at the cap', () => {
  expect([1, 2, 3, 4].map((attempt) => retryDelayMs('r', attempt, retry))).toEqual([
    10_000, 30_000, 60_000, 60_000,
  ]);
});

test('jitter spreads delays by at most its share, and gives the same run the same delay', () => {
  const spread = { ...retry, jitter: 0.5 };
  const delays = Array.from({ length: 200 }, (_, i) => retryDelayMs(`run-${i}`, 1, spread));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(5000);
  expect(Math.max(...delays)).toBeLessThanOrEqual(15_000);
  expect(new Set(delays).size).toBeGreaterThan(150);
  expect(retryDelayMs('run-1', 1, spread)).toBe(delays[1]);
});

test.each([
  ['a failure within the limit', { phase: 'Failed', reason: 'ExitCode', exitCode: 1, attempt: 3 }, true],
  ['a failure past the limit', { phase: 'Failed', reason: 'ExitCode', exitCode: 1, attempt: 4 }, false],
  ['a lost run', { phase: 'Failed', reason: 'Lost' }, true],
  ['a timed-out run', { phase: 'Killed', reason: 'TimedOut' }, true],
  ['a run that a user stopped', { phase: 'Killed', reason: 'StoppedByUser' }, false],
  ['a replaced run', { phase: 'Killed', reason: 'Replaced' }, false],
  ['a refused command', { phase: 'Failed', reason: 'Refused' }, false],
  ['a success', { phase: 'Completed' }, false],
] as const)('%s: retried or not', (_, run, expected) => {
  expect(isRetried(aRun(run), retry)).toBe(expected);
});

test('exit codes decide about retries after exits, not about lost runs', () => {
  const only = { ...retry, onExitCodes: [75] };
  const never = { ...retry, notOnExitCodes: [2] };
  const exit = (exitCode: number) => aRun({ phase: 'Failed', reason: 'ExitCode', exitCode });
  expect([isRetried(exit(75), only), isRetried(exit(1), only)]).toEqual([true, false]);
  expect([isRetried(exit(2), never), isRetried(exit(1), never)]).toEqual([false, true]);
  expect(isRetried(aRun({ phase: 'Failed', reason: 'Lost' }), only)).toBe(true);
});

test('a disrupted run is retried by a limit of its own, whatever its exit code', () => {
  const none = { ...retry, limit: 0, disruptions: 2, onExitCodes: [75], notOnExitCodes: [143] };
  const disrupted = { phase: 'Failed', reason: 'Disrupted', exitCode: 143 } as const;
  expect(isRetried(aRun(disrupted), none)).toBe(true);
  expect(isRetried(aRun({ ...disrupted, attempt: 2, disruptions: 1 }), none)).toBe(true);
  expect(isRetried(aRun({ ...disrupted, attempt: 3, disruptions: 2 }), none)).toBe(false);
  expect(isRetried(aRun({ ...disrupted, stopCause: 'StoppedByUser' }), none)).toBe(false);
});

test('a changed spec uses up no retry, and neither lengthens the delay of the other', () => {
  const once = { ...retry, limit: 1 };
  const end = { finishedAt: 0 } as const;
  const changed = { ...end, phase: 'Killed', reason: 'SpecChanged' } as const;
  const second = nextAttempt('backup', aRun(changed), once, 0);
  expect(second).toMatchObject({ attempt: 2, startAfter: 0 });
  const third = nextAttempt('backup', { ...second, ...changed }, once, 0);
  expect(third).toMatchObject({ attempt: 3, startAfter: 0 });
  const failed = { ...end, phase: 'Failed', reason: 'ExitCode', exitCode: 1 } as const;
  expect(isRetried({ ...third, ...failed }, once)).toBe(true);
  const fourth = nextAttempt('backup', { ...third, ...failed }, once, 0);
  expect(fourth).toMatchObject({ attempt: 4, startAfter: 10_000 });
  expect(isRetried({ ...fourth, ...failed }, once)).toBe(false);
});

test('disruptions use up no retry of other failures, and neither lengthens the delay of the other', () => {
  const once = { ...retry, limit: 1, disruptions: 1 };
  const end = { phase: 'Failed', finishedAt: 0 } as const;
  const disrupted = aRun({ ...end, reason: 'Disrupted' });
  const second = nextAttempt('backup', disrupted, once, 0);
  expect(second).toMatchObject({ attempt: 2, disruptions: 1, startAfter: 10_000 });
  const failed = { ...second, ...end, reason: 'ExitCode', exitCode: 1 } as const;
  expect(isRetried(failed, once)).toBe(true);
  const third = nextAttempt('backup', failed, once, 0);
  expect(third).toMatchObject({ attempt: 3, disruptions: 1, startAfter: 10_000 });
  expect(isRetried({ ...third, ...end, reason: 'ExitCode' }, once)).toBe(false);
  expect(isRetried({ ...third, ...end, reason: 'Disrupted' }, once)).toBe(false);
});
