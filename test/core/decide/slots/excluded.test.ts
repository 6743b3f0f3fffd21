// Days that a schedule leaves out: their slots are Excluded, one record for each day, and nothing runs on them.
import { describe, expect, test } from 'vitest';
import { at } from '../../../support/builders.ts';
import { World } from '../../../support/core/world.ts';

const CHRISTMAS = '2026-12-25';

/** A job that was created two days before Christmas and is due as the expression says. */
function world(schedule: string, spec: object = {}): World {
  return new World({ schedule, exceptDates: [CHRISTMAS], ...spec }, '2026-12-23T12:00:00Z');
}

/** Evaluates at each wake-up of the decisions until an instant, and ends each run at once. */
function live(one: World, until: string): number {
  let evaluations = 0;
  for (let wakeAt = one.evaluate().wakeAt; wakeAt <= at(until); wakeAt = one.evaluate(wakeAt).wakeAt) {
    expect(wakeAt).toBeGreaterThan(one.now);
    if (++evaluations > 300) throw new Error('the job is evaluated again and again');
    if (one.running().length > 0) {
      one.end();
      one.evaluate();
    }
  }
  return evaluations;
}

describe('a day that is left out', () => {
  test('has no run of a daily job, and its slot is recorded when it is due', () => {
    const job = world('0 2 * * *');
    live(job, '2026-12-25T02:00:00Z');
    expect(job.outcomes()).toEqual(['02:00:00 Ran', '02:00:00 Excluded']);
    expect(job.slots[1]).toMatchObject({
      cause: 'exceptDates',
      count: 1,
      recordedAt: at('2026-12-25T02:00:00Z'),
    });
    live(job, '2026-12-26T02:00:00Z');
    expect(job.outcomes()).toEqual(['02:00:00 Ran', '02:00:00 Excluded', '02:00:00 Ran']);
  });

  test('is one record for a job of each second, and one evaluation', () => {
    const job = world('* * * * * *');
    job.evaluatingSince = at('2026-12-24T23:59:58Z');
    job.evaluate('2026-12-24T23:59:59Z');
    job.end();
    expect(job.evaluate().wakeAt).toBe(at('2026-12-25T23:59:59Z'));
    job.evaluate('2026-12-25T12:00:00Z');
    job.evaluate('2026-12-25T23:59:59Z');
    expect(job.outcomes().slice(-1)).toEqual(['00:00:00-23:59:59 x86400 Excluded']);
    expect(job.slots.filter(({ outcome }) => outcome === 'Excluded')).toHaveLength(1);
    job.evaluate('2026-12-26T00:00:00Z');
    expect(job.outcomes().at(-1)).toBe('00:00:00 Ran');
  });

  test('is no failure: no event, no count of missed slots, and the next slot is of the next day', () => {
    const job = world('0 2 * * *');
    live(job, '2026-12-25T02:00:00Z');
    expect(job.events.filter((reason) => reason.startsWith('Slot'))).toEqual([]);
    expect(job.job.status).toMatchObject({
      totals: { missed: 0 },
      nextScheduleAt: at('2026-12-26T02:00:00Z'),
    });
  });

  test('is a day of the zone of the schedule', () => {
    const job = world('0 * * * *', { timeZone: 'Asia/Tokyo' });
    live(job, '2026-12-25T15:00:00Z');
    const excluded = job.slots.find(({ outcome }) => outcome === 'Excluded');
    expect(excluded).toMatchObject({
      from: at('2026-12-24T15:00:00Z'),
      to: at('2026-12-25T14:00:00Z'),
      count: 24,
    });
  });

  test('stays Excluded after a downtime, and the missed slots around it stay Missed', () => {
    const job = world('0 */6 * * *', { missedRunPolicy: 'All' });
    job.evaluate();
    job.evaluatingSince = at('2026-12-26T07:00:00Z');
    job.evaluate('2026-12-26T07:00:00Z');
    expect(job.outcomes()).toEqual([
      '00:00:00-18:00:00 x4 Excluded',
      '18:00:00 Ran',
      '00:00:00 Ran',
      '06:00:00 Ran',
      '12:00:00 Ran',
      '18:00:00 Ran',
      '00:00:00 Ran',
      '06:00:00 Ran',
    ]);
  });

  test('a stretch of missed slots counts none of its slots', () => {
    const job = world('0 */6 * * *', { missedRunPolicy: 'Skip' });
    job.evaluate();
    job.evaluatingSince = at('2026-12-26T07:00:00Z');
    job.evaluate('2026-12-26T07:00:00Z');
    expect(job.outcomes()).toEqual(['18:00:00-06:00:00 x7 Missed', '00:00:00-18:00:00 x4 Excluded']);
    expect(job.job.status?.totals.missed).toBe(7);
  });

  test('makes up for no slot of the days before: that waits until the day is over', () => {
    const job = world('0 2 * * *');
    job.evaluate();
    job.evaluatingSince = at('2026-12-25T09:00:00Z');
    const { wakeAt } = job.evaluate('2026-12-25T09:00:00Z');
    expect(job.started).toEqual([]);
    expect(wakeAt).toBe(at('2026-12-26T00:00:00Z'));
    job.evaluate(wakeAt);
    expect(job.outcomes()).toEqual(['02:00:00 Excluded', '02:00:00 Ran']);
    expect([...job.runs.values()].map(({ slot, trigger }) => [slot, trigger])).toEqual([
      [at('2026-12-24T02:00:00Z'), 'CatchUp'],
    ]);
  });

  test('starts the slot of the last moment before it, which is on time', () => {
    const job = world('59 59 23 * * *');
    job.evaluate();
    job.evaluatingSince = at('2026-12-24T00:00:00Z');
    job.evaluate('2026-12-24T00:00:00Z');
    job.end();
    job.evaluate('2026-12-25T00:00:01Z');
    expect(job.outcomes().at(-1)).toBe('23:59:59 Ran');
  });

  test('starts no run that its jitter or its queue kept past midnight, until the day is over', () => {
    const job = world('0 23 * * *', { concurrencyPolicy: 'Queue' });
    job.evaluate('2026-12-23T23:00:00Z');
    job.end();
    job.trigger('long');
    job.evaluate('2026-12-24T22:59:00Z');
    job.evaluate('2026-12-24T23:00:00Z');
    job.now = at('2026-12-25T01:00:00Z');
    job.end();
    const { wakeAt } = job.evaluate('2026-12-25T01:00:00Z');
    expect(job.running()).toEqual([]);
    expect(wakeAt).toBeLessThanOrEqual(at('2026-12-26T00:00:00Z'));
    job.evaluate('2026-12-25T23:00:00Z');
    expect(job.running()).toEqual([]);
    job.evaluate('2026-12-26T00:00:00Z');
    expect(job.running().map(({ slot }) => slot)).toEqual([at('2026-12-24T23:00:00Z')]);
  });

  test('lets a manual run start', () => {
    const job = world('0 2 * * *');
    job.evaluate('2026-12-25T09:00:00Z');
    job.trigger('now');
    job.evaluate('2026-12-25T09:01:00Z');
    expect(job.running()).toHaveLength(1);
  });

  test('during a suspension it is Excluded, and the other slots are Suspended', () => {
    const job = world('0 */12 * * *', { suspend: true });
    job.evaluate();
    job.now = at('2026-12-26T12:30:00Z');
    job.edit({ schedule: '0 */12 * * *', exceptDates: [CHRISTMAS] });
    job.evaluate('2026-12-26T12:30:00Z');
    expect(job.outcomes()).toEqual(['00:00:00-12:00:00 x4 Suspended', '00:00:00-12:00:00 x2 Excluded']);
  });

  test('an edit that leaves out today owes none of the slots before it', () => {
    const job = world('0 * * * *', { exceptDates: ['2026-12-31'] });
    live(job, '2026-12-25T09:00:00Z');
    job.now = at('2026-12-25T09:30:00Z');
    job.edit({ schedule: '0 * * * *', exceptDates: [CHRISTMAS] });
    live(job, '2026-12-26T00:00:00Z');
    expect(job.outcomes().slice(-2)).toEqual(['10:00:00-23:00:00 x14 Excluded', '00:00:00 Ran']);
  });
});
