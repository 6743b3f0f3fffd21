// The check itself: it finds each fault, and accepts a clean ledger.
import { describe, expect, test } from 'vitest';
import type { RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { findings, type Account } from './ledger-check.ts';

const T0 = Date.UTC(2026, 5, 2);
const at = (second: number) => new Date(T0 + second * 1000).toISOString();
const name = (second: number) => `a-${second}`;

const run = (second: number, changes: Partial<RunEntry> = {}): RunEntry => ({
  name: name(second),
  job: 'a',
  slot: at(second),
  trigger: 'Schedule',
  attempt: 1,
  executor: 'Job',
  phase: 'Completed',
  createdAt: at(second),
  startedAt: at(second),
  ...changes,
});
const execution = (second: number) => ({ run: name(second), slot: T0 + second * 1000 });

/** Slots 1 to 5: runs, with 3 and 4 missed. */
function account(changes: Partial<Account> = {}): Account {
  return {
    name: 'a',
    after: T0,
    until: T0 + 5_000,
    runs: [run(1), run(2), run(5)],
    outcomes: [{ from: at(3), to: at(4), count: 2, outcome: 'Missed' }],
    executions: [execution(1), execution(2), execution(5)],
    status: { totals: { completed: 3, failed: 0, killed: 0, missed: 2 }, active: [] },
    ...changes,
  };
}

describe('the check of exactly once', () => {
  test('finds no fault in a clean ledger', () => {
    expect(findings(account())).toEqual([]);
  });

  test('accepts a lost run with its reason, and a run that was replaced before its start', () => {
    const lost = run(2, { phase: 'Failed', reason: 'Lost', message: 'Gone.' });
    const replaced = run(5, { phase: 'Killed', reason: 'Replaced', startedAt: undefined });
    const executions = [execution(1)];
    const status = { totals: { completed: 1, failed: 1, killed: 1, missed: 2 }, active: [] };
    expect(findings(account({ runs: [run(1), lost, replaced], executions, status }))).toEqual([]);
  });

  test.each<[string, Partial<Account>, RegExp]>([
    ['a slot without an outcome', { until: T0 + 6_000 }, /:06.000Z has neither a run nor an outcome/],
    [
      'a slot with two outcomes',
      { outcomes: [{ from: at(2), to: at(4), count: 3, outcome: 'Missed' }] },
      /:02.000Z has the run a-2 and the outcome Missed/,
    ],
    [
      'a run that was executed twice',
      { executions: [execution(1), execution(1), execution(2), execution(5)] },
      /a-1 was executed twice/,
    ],
    [
      'a slot that was executed under two names',
      { executions: [execution(1), execution(2), execution(5), { ...execution(5), run: 'b' }] },
      /:05.000Z was executed twice/,
    ],
    [
      'an execution without a record',
      { executions: [execution(1), execution(2), execution(3), execution(5)] },
      /a-3 has no record/,
    ],
    ['a record without an execution', { executions: [execution(1), execution(2)] }, /a-5 is invented/],
    [
      'a run that was counted twice',
      { status: { totals: { completed: 4, failed: 0, killed: 0, missed: 2 }, active: [] } },
      /3 runs are recorded, 4 are counted/,
    ],
    [
      'a run that has not ended',
      { status: { totals: { completed: 3, failed: 0, killed: 0, missed: 2 }, active: [run(5)] } },
      /1 runs have not ended/,
    ],
  ])('finds %s', (_, changes, finding) => {
    expect(findings(account(changes)).join('\n')).toMatch(finding);
  });
});
