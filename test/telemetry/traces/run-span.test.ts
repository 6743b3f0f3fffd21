import { expect, test } from 'vitest';
import type { Run } from '../../../src/core/run.ts';
import { runSpan } from '../../../src/telemetry/traces/run-span.ts';
import { traceIdsOf, traceparentOf } from '../../../src/telemetry/traces/trace-ids.ts';
import { aRun, at } from '../../support/builders.ts';

const ENDED = at('2026-01-01T00:02:00Z');
const ended = (run: Partial<Run>) => aRun({ phase: 'Killed', finishedAt: ENDED, ...run });

test('the ids follow from the uid of the job and the name of the run, and are valid', () => {
  const run = aRun({ name: 'backup-t86pdo' });
  const ids = traceIdsOf(run);
  expect(ids).toEqual(traceIdsOf({ jobUid: run.jobUid, name: run.name }));
  expect(traceparentOf(run)).toBe(`00-${ids.traceId}-${ids.spanId}-01`);
  expect(traceparentOf(run)).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
  // The same job on another machine has the same run names.
  const other = traceIdsOf({ ...run, jobUid: 'another' });
  expect(new Set([ids.traceId, other.traceId, ids.spanId, other.spanId]).size).toBe(4);
});

test.each<[Partial<Run>, string, string | undefined]>([
  [{ phase: 'Completed', exitCode: 0 }, 'success', undefined],
  [{ phase: 'Failed', reason: 'ExitCode', message: 'Exit code 3.' }, 'failure', 'ExitCode: Exit code 3.'],
  [{ phase: 'Failed', reason: 'Lost' }, 'error', 'Lost'],
  [{ reason: 'TimedOut' }, 'timeout', 'TimedOut'],
  [{ reason: 'StoppedByUser', message: 'Stopped.' }, 'cancellation', undefined],
])('of %j the result is %s', (run, result, error) => {
  const span = runSpan(ended(run));
  expect(span.attributes['cicd.pipeline.result']).toBe(result);
  expect(span.error).toBe(error);
  expect(span.attributes['error.type']).toBe(error === undefined ? undefined : run.reason);
});

test('a run that never began lasts from the instant at which it was due', () => {
  const startAfter = at('2026-01-01T00:01:30Z');
  expect(runSpan(ended({ startAfter }))).toMatchObject({ startedAt: startAfter, finishedAt: ENDED });
  expect(runSpan(ended({ startAfter: ENDED + 1000 }))).toMatchObject({ startedAt: ENDED });
});

test('a run that follows another links to it as long as its job exists', () => {
  const run = ended({ cause: { job: 'dump', run: 'dump-t86pdo-2' } });
  expect(runSpan(run, 'uid-of-dump').follows).toEqual(
    traceIdsOf({ jobUid: 'uid-of-dump', name: 'dump-t86pdo-2' }),
  );
  expect(runSpan(run, undefined).follows).toBeUndefined();
});
