// The writes of a status: a patch of the changed fields, and few stretches of slots without a run.
import { describe, expect, test } from 'vitest';
import type { SlotRecord } from '../../../src/core/run.ts';
import { withOutcomes } from '../../../src/kubernetes/objects/lsh-job-outcomes.ts';
import { statusPatch, type LshJobStatus } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { at } from '../../support/builders.ts';

const STATUS: LshJobStatus = {
  observedGeneration: 1,
  phase: 'Scheduled',
  conditions: [],
  nextScheduleTime: '2026-01-01T00:01:00Z',
  accountedUntil: '2026-01-01T00:00:00Z',
  observedSchedule: 'UTC|||* * * * *',
  active: [],
  recentRuns: [],
  recentOutcomes: [],
  totals: { completed: 0, failed: 0, killed: 0, missed: 0 },
};

describe('the patch of a status', () => {
  test('is undefined if nothing changed', () => {
    expect(statusPatch(STATUS, structuredClone(STATUS))).toBeUndefined();
    expect(statusPatch(STATUS, undefined)).toBeUndefined();
  });

  test('has the changed fields, and null for removed ones', () => {
    const { nextScheduleTime: _, ...suspended } = { ...STATUS, phase: 'Suspended' as const };
    expect(statusPatch(STATUS, suspended)).toEqual({ phase: 'Suspended', nextScheduleTime: null });
  });

  test('has null for what a new backfill lacks of the one before', () => {
    const refused = {
      id: 'one',
      phase: 'Refused' as const,
      message: 'it ends before it begins',
      from: '2026-01-01T00:00:00Z',
      to: '2026-01-01T00:00:00Z',
      parallel: 1,
      failedOnly: true,
      slots: 0,
      completed: 0,
      failed: 0,
      pending: [],
      startedAt: '2026-01-02T00:00:00Z',
      finishedAt: '2026-01-02T00:00:00Z',
    };
    const { failedOnly: _, message: __, finishedAt: ___, ...next } = refused;
    const running = { ...next, id: 'two', phase: 'Running' as const };
    expect(statusPatch({ ...STATUS, backfill: refused }, { ...STATUS, backfill: running })).toEqual({
      backfill: { id: 'two', phase: 'Running', failedOnly: null, message: null, finishedAt: null },
    });
  });

  test('is the whole status if there was none', () => {
    expect(statusPatch(undefined, STATUS)).toEqual(STATUS);
  });
});

describe('the outcomes in a status', () => {
  const slot = (second: number, outcome: SlotRecord['outcome'], cause?: SlotRecord['cause']): SlotRecord => ({
    job: 'default/backup',
    from: at('2026-01-01T00:00:00Z') + second * 1000,
    to: at('2026-01-01T00:00:00Z') + second * 1000,
    count: 1,
    outcome,
    ...(cause !== undefined && { cause }),
    recordedAt: 0,
  });
  const spans = (outcomes: ReturnType<typeof withOutcomes>) =>
    outcomes.map(({ from, to, count }) => `${from.slice(17, 19)}-${to.slice(17, 19)} x${count}`);

  test('join consecutive slots with the same outcome into one stretch', () => {
    const once = withOutcomes(
      [],
      [slot(1, 'Forbidden', 'RunActive'), slot(2, 'Forbidden', 'RunActive')],
      undefined,
    );
    expect(spans(once)).toEqual(['01-02 x2']);
    expect(spans(withOutcomes(once, [slot(3, 'Forbidden', 'RunActive')], undefined))).toEqual(['01-03 x3']);
  });

  test('start a new stretch after a slot that ran, in this commit or an earlier one', () => {
    const forbidden = (second: number) => slot(second, 'Forbidden', 'RunActive');
    expect(spans(withOutcomes([], [forbidden(1), slot(2, 'Ran'), forbidden(3)], undefined))).toEqual([
      '03-03 x1',
      '01-01 x1',
    ]);
    const earlier = withOutcomes([], [forbidden(1)], undefined);
    expect(spans(withOutcomes(earlier, [forbidden(3)], slot(2, 'Ran').to))).toEqual(['03-03 x1', '01-01 x1']);
  });

  test('start a new stretch for another cause, and only the newest are kept', () => {
    const causes = ['RunActive', 'QueueFull'] as const;
    const many = Array.from({ length: 30 }, (_, second) => slot(second, 'Forbidden', causes[second % 2]));
    const kept = withOutcomes([], many, undefined);
    expect(kept).toHaveLength(20);
    expect(kept[0]).toMatchObject({ cause: 'QueueFull' });
  });

  test('keep each stretch of late slots apart, so that each tells when lsh found it', () => {
    const late = [slot(1, 'Missed', 'EvaluatedLate'), slot(2, 'Missed', 'EvaluatedLate')];
    const kept = withOutcomes(withOutcomes([], late.slice(0, 1), undefined), late.slice(1), undefined);
    expect(spans(kept)).toEqual(['02-02 x1', '01-01 x1']);
    expect(kept[0]?.recordedAt).toBe('1970-01-01T00:00:00Z');
  });
});
