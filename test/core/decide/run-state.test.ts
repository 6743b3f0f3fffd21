import { expect, test } from 'vitest';
import { cancelled, claimed, ended, lost, mayBecome } from '../../../src/core/decide/run-state.ts';
import { RUN_PHASES } from '../../../src/core/run.ts';
import { aRun } from '../../support/builders.ts';

const AT_ONCE = { at: 1, host: undefined, startsLater: false };

test('no run leaves an end, and only a cancelled run skips the claim', () => {
  const allowed = RUN_PHASES.flatMap((from) =>
    RUN_PHASES.filter((to) => mayBecome(from, to)).map((to) => `${from}>${to}`),
  );
  expect(allowed).toEqual([
    'Created>Pending',
    'Created>Running',
    'Created>Killed',
    'Pending>Running',
    'Pending>Completed',
    'Pending>Failed',
    'Pending>Killed',
    'Running>Completed',
    'Running>Failed',
    'Running>Killed',
  ]);
});

test('a step outside the table throws', () => {
  const done = ended(claimed(aRun(), AT_ONCE), {
    name: 'backup-1',
    state: 'Ended',
    finishedAt: 2,
    exitCode: 0,
  });
  expect(() => claimed(done, AT_ONCE)).toThrow(/cannot go from Completed to Running/);
  expect(() => lost(aRun(), 3)).toThrow(/cannot go from Created to Failed/);
});

test('phase and reason come from the observed end, unless a stop cause came first', () => {
  const running = claimed(aRun(), AT_ONCE);
  const end = { name: running.name, state: 'Ended', finishedAt: 9 } as const;
  expect(ended(running, { ...end, exitCode: 0 })).toMatchObject({ phase: 'Completed' });
  expect(ended(running, { ...end, exitCode: 7 })).toMatchObject({
    phase: 'Failed',
    reason: 'ExitCode',
    exitCode: 7,
  });
  expect(ended(running, { ...end, exitCode: 137, signal: 'SIGKILL' })).toMatchObject({
    phase: 'Failed',
    reason: 'Signal',
  });
  expect(ended(running, { ...end, reason: 'SpawnError' })).toMatchObject({
    phase: 'Failed',
    reason: 'SpawnError',
  });
  const stopping = { ...running, stopCause: 'TimedOut' } as const;
  expect(ended(stopping, { ...end, exitCode: 0 })).toMatchObject({ phase: 'Killed', reason: 'TimedOut' });
  expect(ended(stopping, { ...end, exitCode: 0, byItself: true })).toMatchObject({
    phase: 'Completed',
    reason: undefined,
  });
  expect(lost(running, 9)).toMatchObject({ phase: 'Failed', reason: 'Lost' });
  expect(cancelled(aRun(), 'Replaced', 9)).toMatchObject({
    phase: 'Killed',
    reason: 'Replaced',
    finishedAt: 9,
  });
});

test('a run that is stopped while it waits no longer says what it waits for', () => {
  const waiting = aRun({ message: 'The run waits for concurrency group deploy.' });
  expect(cancelled(waiting, 'StoppedByUser', 9)).toMatchObject({
    reason: 'StoppedByUser',
    message: undefined,
  });
});
