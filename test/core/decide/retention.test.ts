// Which finished runs the ledger stops showing.
import { describe, expect, test } from 'vitest';
import { runsBeyondLimits } from '../../../src/core/decide/retention.ts';
import type { Run } from '../../../src/core/run.ts';
import { aRun, aSpec, at } from '../../support/builders.ts';

const ONE_OF_EACH = aSpec({ successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 1 });
const FIRST = at('2026-01-01T00:01:00Z');
const SECOND = at('2026-01-01T00:02:00Z');

function ended(name: string, run: Partial<Run>): Run {
  return aRun({ name, phase: 'Completed', finishedAt: at('2026-01-01T00:02:07Z'), ...run });
}

const forgotten = (runs: readonly Run[]) => runsBeyondLimits(ONE_OF_EACH, runs).map(({ name }) => name);

describe('of runs that ended in the same second, which is all that Kubernetes tells,', () => {
  test('the run of the later slot stays, also beside a retry', () => {
    const retry = ended('backup-1-2', { slot: FIRST, attempt: 2 });
    const next = ended('backup-2', { slot: SECOND });
    expect(forgotten([retry, next])).toEqual(['backup-1-2']);
    expect(forgotten([next, retry])).toEqual(['backup-1-2']);
  });

  test('the last attempt of a slot stays', () => {
    const first = ended('backup-1', { slot: FIRST, phase: 'Failed' });
    const last = ended('backup-1-2', { slot: FIRST, attempt: 2, phase: 'Failed' });
    expect(forgotten([first, last])).toEqual(['backup-1']);
  });
});
