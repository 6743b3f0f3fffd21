// The numbers of a job’s ends, where another process than the leader records the end.
import { expect, test } from 'vitest';
import { decideEnd } from '../../../../src/core/decide/decide.ts';
import { aJob, aRun, aStatus, T0 } from '../../../support/builders.ts';
import { traitsOf, UNSET_CLOCK } from '../../../support/core/world.ts';

function endOf(ends: number | undefined) {
  const run = aRun({ phase: 'Running', startedAt: T0 });
  const job = aJob({}, { status: aStatus(ends === undefined ? {} : { ends }) });
  const known = { job, runs: [run], now: T0 + 1000, clock: UNSET_CLOCK, traitsOf };
  return decideEnd(known, { name: run.name, state: 'Ended', finishedAt: T0 + 500, exitCode: 0 }).change;
}

test('an end that another process records gets the next number, if the job has followers', () => {
  const { runs, status } = endOf(4);
  expect(runs).toMatchObject([{ phase: 'Completed', endNumber: 5 }]);
  expect(status?.ends).toBe(5);
});

test('an end of a job without followers has no number', () => {
  const { runs, status } = endOf(undefined);
  expect(runs[0]?.endNumber).toBeUndefined();
  expect(status).not.toHaveProperty('ends');
});
