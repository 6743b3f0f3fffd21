// Schedules on the days of clock changes, zone by zone.
import { describe, expect, test } from 'vitest';
import { compileSchedule } from '../../../src/core/schedule/schedule.ts';

interface Case {
  it: string;
  expression: string;
  /** Stretch to look at; both ends count. */
  from: string;
  to: string;
  slots: string[];
}

function holdsIn(timeZone: string, cases: Case[]): void {
  describe(timeZone, () => {
    test.for(cases)('$it ($expression)', ({ expression, from, to, slots }) => {
      const schedule = compileSchedule({ expressions: [expression], timeZone, seed: 'local/x', anchor: 0 });
      const [start, end] = [Date.parse(from), Date.parse(to)];
      const expected = slots.map((slot) => Date.parse(slot));
      const found: number[] = [];
      for (
        let slot = schedule.next(start - 1);
        slot !== undefined && slot <= end;
        slot = schedule.next(slot)
      ) {
        found.push(slot);
      }
      expect(found.map((slot) => new Date(slot).toISOString())).toEqual(
        expected.map((slot) => new Date(slot).toISOString()),
      );
      expect(schedule.count(start - 1, end)).toBe(slots.length);
      expect(schedule.previous(end, start - 1)).toBe(expected.at(-1));
    });
  });
}

const nySpring = { from: '2026-03-08T05:00Z', to: '2026-03-08T08:00Z' };
const nyAutumn = { from: '2026-11-01T04:00Z', to: '2026-11-01T07:59Z' };
holdsIn('America/New_York', [
  {
    it: 'a slot in the skipped hour runs at the first instant after it',
    expression: '30 2 * * *',
    ...nySpring,
    slots: ['2026-03-08T07:00Z'],
  },
  {
    it: 'several slots in the skipped hour run once',
    expression: '0,15,30,45 2 * * *',
    ...nySpring,
    slots: ['2026-03-08T07:00Z'],
  },
  {
    it: 'a skipped slot and one that is regularly at 03:00 run once together',
    expression: '0 2,3 * * *',
    ...nySpring,
    slots: ['2026-03-08T07:00Z'],
  },
  {
    it: 'the neighbours of a skipped slot stay where they are',
    expression: '0 0,2,4 * * *',
    ...nySpring,
    slots: ['2026-03-08T05:00Z', '2026-03-08T07:00Z', '2026-03-08T08:00Z'],
  },
  {
    it: 'a half-hourly schedule simply has no run in the skipped hour',
    expression: '30 * * * *',
    ...nySpring,
    slots: ['2026-03-08T05:30Z', '2026-03-08T06:30Z', '2026-03-08T07:30Z'],
  },
  {
    it: 'a schedule of every second hour has no run in the skipped hour',
    expression: '0 */2 * * *',
    ...nySpring,
    slots: ['2026-03-08T05:00Z', '2026-03-08T08:00Z'],
  },
  {
    it: 'the day after is as always',
    expression: '30 2 * * *',
    from: '2026-03-08T07:01Z',
    to: '2026-03-10T00:00Z',
    slots: ['2026-03-09T06:30Z'],
  },
  {
    it: 'a slot in the repeated hour runs the first time only',
    expression: '30 1 * * *',
    ...nyAutumn,
    slots: ['2026-11-01T05:30Z'],
  },
  {
    it: 'a schedule with a range of hours runs in the first pass only',
    expression: '*/20 1-3 * * *',
    ...nyAutumn,
    slots: [
      '2026-11-01T05:00Z',
      '2026-11-01T05:20Z',
      '2026-11-01T05:40Z',
      '2026-11-01T07:00Z',
      '2026-11-01T07:20Z',
      '2026-11-01T07:40Z',
    ],
  },
  {
    it: 'an hourly schedule runs in every real hour',
    expression: '30 * * * *',
    ...nyAutumn,
    slots: ['2026-11-01T04:30Z', '2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-01T07:30Z'],
  },
  {
    it: 'hours written with a step follow real time too',
    expression: '0 1/2 * * *',
    ...nyAutumn,
    slots: ['2026-11-01T05:00Z', '2026-11-01T06:00Z'],
  },
  {
    it: 'all 24 hours written out follow real time too',
    expression: '30 0-23 * * *',
    ...nySpring,
    slots: ['2026-03-08T05:30Z', '2026-03-08T06:30Z', '2026-03-08T07:30Z'],
  },
  {
    it: 'seconds in the skipped hour collapse into one run',
    expression: '*/10 59 2 * * *',
    ...nySpring,
    slots: ['2026-03-08T07:00Z'],
  },
]);

holdsIn('Europe/London', [
  {
    it: 'a slot in the skipped hour runs at 02:00',
    expression: '30 1 * * *',
    from: '2026-03-29T00:00Z',
    to: '2026-03-29T12:00Z',
    slots: ['2026-03-29T01:00Z'],
  },
  {
    it: 'a slot in the repeated hour runs the first time',
    expression: '30 1 * * *',
    from: '2026-10-25T00:00Z',
    to: '2026-10-25T12:00Z',
    slots: ['2026-10-25T00:30Z'],
  },
  {
    it: 'the hour before the repeated one is untouched',
    expression: '59 0 * * *',
    from: '2026-10-24T12:00Z',
    to: '2026-10-25T12:00Z',
    slots: ['2026-10-24T23:59Z'],
  },
]);

holdsIn('Australia/Lord_Howe', [
  {
    it: 'a slot in the skipped half hour runs at 02:30',
    expression: '15 2 * * *',
    from: '2026-10-03T12:00Z',
    to: '2026-10-04T12:00Z',
    slots: ['2026-10-03T15:30Z'],
  },
  {
    it: 'a slot in the repeated half hour runs the first time',
    expression: '45 1 * * *',
    from: '2026-04-04T12:00Z',
    to: '2026-04-05T12:00Z',
    slots: ['2026-04-04T14:45Z'],
  },
  {
    it: 'an hourly schedule at half past runs in both passes',
    expression: '45 * * * *',
    from: '2026-04-04T13:45Z',
    to: '2026-04-04T16:15Z',
    slots: ['2026-04-04T13:45Z', '2026-04-04T14:45Z', '2026-04-04T15:15Z', '2026-04-04T16:15Z'],
  },
  {
    it: 'noon is found on the day of the change',
    expression: '0 12 * * *',
    from: '2026-04-04T02:00Z',
    to: '2026-04-05T12:00Z',
    slots: ['2026-04-05T01:30Z'],
  },
]);

holdsIn('Pacific/Chatham', [
  {
    it: 'a slot at the very start of a gap at 02:45 runs at 03:45',
    expression: '45 2 * * *',
    from: '2026-09-26T00:00Z',
    to: '2026-09-27T12:00Z',
    slots: ['2026-09-26T14:00Z'],
  },
  {
    it: 'a slot just before the gap is untouched',
    expression: '44 2 * * *',
    from: '2026-09-26T00:00Z',
    to: '2026-09-27T12:00Z',
    slots: ['2026-09-26T13:59Z'],
  },
  {
    it: 'a slot in the repeated hour runs the first time',
    expression: '0 3 * * *',
    from: '2026-04-04T00:00Z',
    to: '2026-04-05T12:00Z',
    slots: ['2026-04-04T13:15Z'],
  },
]);

holdsIn('Antarctica/Troll', [
  {
    it: 'slots in the two skipped hours run once, at 03:00',
    expression: '30 1,2 * * *',
    from: '2026-03-29T00:00Z',
    to: '2026-03-29T12:00Z',
    slots: ['2026-03-29T01:00Z'],
  },
  {
    it: 'slots in the two repeated hours run the first time',
    expression: '30 1,2 * * *',
    from: '2026-10-24T22:00Z',
    to: '2026-10-25T12:00Z',
    slots: ['2026-10-24T23:30Z', '2026-10-25T00:30Z'],
  },
]);

holdsIn('Africa/Cairo', [
  {
    it: 'midnight does not exist and runs at 01:00',
    expression: '0 0 * * *',
    from: '2026-04-23T12:00Z',
    to: '2026-04-24T12:00Z',
    slots: ['2026-04-23T22:00Z'],
  },
  {
    it: 'the last hour of the day happens twice and runs once',
    expression: '30 23 * * *',
    from: '2026-10-29T12:00Z',
    to: '2026-10-30T12:00Z',
    slots: ['2026-10-29T20:30Z'],
  },
  {
    it: 'midnight after the repeated hour runs once',
    expression: '0 0 * * *',
    from: '2026-10-29T12:00Z',
    to: '2026-10-30T12:00Z',
    slots: ['2026-10-29T22:00Z'],
  },
]);

holdsIn('Pacific/Apia', [
  {
    it: 'a whole skipped day runs once, when the next day begins',
    expression: '0 6,12 * * *',
    from: '2011-12-29T16:00Z',
    to: '2011-12-30T22:00Z',
    slots: [
      '2011-12-29T16:00Z',
      '2011-12-29T22:00Z',
      '2011-12-30T10:00Z',
      '2011-12-30T16:00Z',
      '2011-12-30T22:00Z',
    ],
  },
  {
    it: 'midnight of the skipped day and of the next are one run',
    expression: '0 0 * * *',
    from: '2011-12-29T00:00Z',
    to: '2011-12-31T12:00Z',
    slots: ['2011-12-29T10:00Z', '2011-12-30T10:00Z', '2011-12-31T10:00Z'],
  },
  {
    it: 'a job of the skipped date alone is not lost',
    expression: '0 12 30 12 *',
    from: '2011-12-01T00:00Z',
    to: '2012-11-01T00:00Z',
    slots: ['2011-12-30T10:00Z'],
  },
  {
    it: 'a slot in the hour skipped in spring runs at 04:00',
    expression: '30 3 * * *',
    from: '2011-09-24T00:00Z',
    to: '2011-09-24T20:00Z',
    slots: ['2011-09-24T14:00Z'],
  },
  {
    it: 'a slot in the hour repeated in autumn runs the first time',
    expression: '30 3 * * *',
    from: '2012-03-31T00:00Z',
    to: '2012-03-31T20:00Z',
    slots: ['2012-03-31T13:30Z'],
  },
]);

holdsIn('America/Santiago', [
  {
    it: 'midnight does not exist and runs at 01:00',
    expression: '@daily',
    from: '2026-09-05T12:00Z',
    to: '2026-09-06T12:00Z',
    slots: ['2026-09-06T04:00Z'],
  },
]);

holdsIn('Asia/Beirut', [
  {
    it: 'a weekly job at a midnight that does not exist is not lost',
    expression: '0 0 * * SUN',
    from: '2026-03-28T12:00Z',
    to: '2026-03-29T12:00Z',
    slots: ['2026-03-28T22:00Z'],
  },
]);
