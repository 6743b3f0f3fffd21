// The grammar: accepted expressions with their slots, refused ones with their message.
import { describe, expect, test } from 'vitest';
import { checkExpression, compileSchedule, type Schedule } from '../../../../src/core/schedule/schedule.ts';
import { LshError } from '../../../../src/core/errors.ts';

const NEW_YEAR = Date.parse('2026-01-01T00:00:00Z'); // a Thursday

function inUtc(expressions: string[], seed = 'local/x'): Schedule {
  return compileSchedule({ expressions, timeZone: 'UTC', seed, anchor: NEW_YEAR });
}

function firstSlots(schedule: Schedule, n: number): string[] {
  const found: string[] = [];
  let slot = schedule.next(NEW_YEAR - 1);
  while (slot !== undefined && found.length < n) {
    found.push(new Date(slot).toISOString().slice(0, 19).replace('T', ' '));
    slot = schedule.next(slot);
  }
  return found;
}

function refusal(expression: string): LshError {
  try {
    checkExpression(expression);
  } catch (error) {
    if (error instanceof LshError) return error;
    throw error;
  }
  throw new Error(`"${expression}" was accepted`);
}

describe('the first slots of 2026 in UTC', () => {
  test.for<[string, string[]]>([
    ['0 2 * * 0', ['2026-01-04 02:00:00', '2026-01-11 02:00:00']],
    ['0 2 * * 7', ['2026-01-04 02:00:00', '2026-01-11 02:00:00']],
    ['0 2 * * SUN', ['2026-01-04 02:00:00', '2026-01-11 02:00:00']],
    ['0 0 * jan,Jul mon', ['2026-01-05 00:00:00', '2026-01-12 00:00:00']],
    [
      '0 0 * * FRI-SUN',
      ['2026-01-02 00:00:00', '2026-01-03 00:00:00', '2026-01-04 00:00:00', '2026-01-09 00:00:00'],
    ],
    [
      '5/15 * * * *',
      ['2026-01-01 00:05:00', '2026-01-01 00:20:00', '2026-01-01 00:35:00', '2026-01-01 00:50:00'],
    ],
    [
      '1-10/4 0 * * *',
      ['2026-01-01 00:01:00', '2026-01-01 00:05:00', '2026-01-01 00:09:00', '2026-01-02 00:01:00'],
    ],
    ['0-1,30 0 * * *', ['2026-01-01 00:00:00', '2026-01-01 00:01:00', '2026-01-01 00:30:00']],
    ['0 0 */2 * *', ['2026-01-01 00:00:00', '2026-01-03 00:00:00']],
    ['0 0 1 */3 *', ['2026-01-01 00:00:00', '2026-04-01 00:00:00']],
    ['1,1 0 * * *', ['2026-01-01 00:01:00', '2026-01-02 00:01:00']],
    ['0 *,5 * * *', ['2026-01-01 00:00:00', '2026-01-01 01:00:00']],
    ['0 0 L * *', ['2026-01-31 00:00:00', '2026-02-28 00:00:00']],
    ['0 0 * * 5L', ['2026-01-30 00:00:00', '2026-02-27 00:00:00']],
    ['0 0 * * 6L', ['2026-01-31 00:00:00', '2026-02-28 00:00:00']],
    ['0 0 * * FRIL', ['2026-01-30 00:00:00', '2026-02-27 00:00:00']],
    ['0 0 * * 1#2', ['2026-01-12 00:00:00', '2026-02-09 00:00:00']],
    ['0 0 * * MON#1,FRI#3', ['2026-01-05 00:00:00', '2026-01-16 00:00:00', '2026-02-02 00:00:00']],
    ['0 0 ? * ?', ['2026-01-01 00:00:00', '2026-01-02 00:00:00']],
    ['0 0 * * 03/2', ['2026-01-02 00:00:00', '2026-01-07 00:00:00', '2026-01-09 00:00:00']],
    ['0 0 * * 3/2', ['2026-01-02 00:00:00', '2026-01-07 00:00:00', '2026-01-09 00:00:00']],
    ['0 0 * * WED/2', ['2026-01-02 00:00:00', '2026-01-07 00:00:00', '2026-01-09 00:00:00']],
    ['0 0 * * 01L', ['2026-01-26 00:00:00', '2026-02-23 00:00:00']],
    ['0 0 * * 02#1', ['2026-01-06 00:00:00', '2026-02-03 00:00:00']],
    ['007 08 01 02 *', ['2026-02-01 08:07:00', '2027-02-01 08:07:00']],
    ['0 0 * * SUN-SUN', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['0 0 * * 0-0', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['0 0 * * 7-7', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['0 0 * * 7-0', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['0 0 * * SUN-0', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['0 0 * * 7-SUN', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['0 0 * * SUN-SUN/2', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['0 0 * * SAT-SUN', ['2026-01-03 00:00:00', '2026-01-04 00:00:00', '2026-01-10 00:00:00']],
    ['0 0 * * 6-0', ['2026-01-03 00:00:00', '2026-01-04 00:00:00', '2026-01-10 00:00:00']],
    ['0 0 * * SAT-0', ['2026-01-03 00:00:00', '2026-01-04 00:00:00', '2026-01-10 00:00:00']],
    ['0 0 * * 06-00', ['2026-01-03 00:00:00', '2026-01-04 00:00:00', '2026-01-10 00:00:00']],
    ['0 0 * * 0-7', ['2026-01-01 00:00:00', '2026-01-02 00:00:00', '2026-01-03 00:00:00']],
    ['0 0 15W * *', ['2026-01-15 00:00:00', '2026-02-16 00:00:00', '2026-03-16 00:00:00']],
    ['0 0 1W * *', ['2026-01-01 00:00:00', '2026-02-02 00:00:00', '2026-03-02 00:00:00']],
    ['0 0 31W * *', ['2026-01-30 00:00:00', '2026-03-31 00:00:00', '2026-05-29 00:00:00']],
    ['0 0 LW * *', ['2026-01-30 00:00:00', '2026-02-27 00:00:00', '2026-03-31 00:00:00']],
    ['0 0 lw * *', ['2026-01-30 00:00:00', '2026-02-27 00:00:00', '2026-03-31 00:00:00']],
    ['0 0 L-3 * *', ['2026-01-28 00:00:00', '2026-02-25 00:00:00']],
    ['0 0 L-0 * *', ['2026-01-31 00:00:00', '2026-02-28 00:00:00']],
    ['0 0 L-28 2 *', ['2028-02-01 00:00:00', '2032-02-01 00:00:00']],
    ['0 0 L-6W * *', ['2026-01-26 00:00:00', '2026-02-23 00:00:00']],
    ['0 0 1,15W,L * *', ['2026-01-01 00:00:00', '2026-01-15 00:00:00', '2026-01-31 00:00:00']],
    ['0 0 * * FRI#L', ['2026-01-30 00:00:00', '2026-02-27 00:00:00']],
    ['0 0 * * 5#L', ['2026-01-30 00:00:00', '2026-02-27 00:00:00']],
    ['0 0 13 * +FRI', ['2026-02-13 00:00:00', '2026-03-13 00:00:00', '2026-11-13 00:00:00']],
    ['0 0 * * +FRI', ['2026-01-02 00:00:00', '2026-01-09 00:00:00']],
    ['10~10 3~3 * * *', ['2026-01-01 03:10:00', '2026-01-02 03:10:00']],
    ['@noon', ['2026-01-01 12:00:00', '2026-01-02 12:00:00']],
    ['@weekdays', ['2026-01-01 00:00:00', '2026-01-02 00:00:00', '2026-01-05 00:00:00']],
    ['@weekends', ['2026-01-03 00:00:00', '2026-01-04 00:00:00', '2026-01-10 00:00:00']],
    ['@minutely', ['2026-01-01 00:00:00', '2026-01-01 00:01:00']],
    ['@every_minute', ['2026-01-01 00:00:00', '2026-01-01 00:01:00']],
    ['@secondly', ['2026-01-01 00:00:00', '2026-01-01 00:00:01']],
    ['@every_second', ['2026-01-01 00:00:00', '2026-01-01 00:00:01']],
    ['@quarterly', ['2026-01-01 00:00:00', '2026-04-01 00:00:00', '2026-07-01 00:00:00']],
    ['@semiannually', ['2026-01-01 00:00:00', '2026-07-01 00:00:00', '2027-01-01 00:00:00']],
    ['0 0 29 2 *', ['2028-02-29 00:00:00', '2032-02-29 00:00:00']],
    ['0 0 29 2 MON#5', ['2028-02-29 00:00:00', '2032-02-29 00:00:00']],
    ['0 0 * 2 5#5', ['2036-02-29 00:00:00', '2064-02-29 00:00:00', '2092-02-29 00:00:00']],
    [
      '*/20 * * * * *',
      ['2026-01-01 00:00:00', '2026-01-01 00:00:20', '2026-01-01 00:00:40', '2026-01-01 00:01:00'],
    ],
    ['  0   2  *  *  *  ', ['2026-01-01 02:00:00', '2026-01-02 02:00:00']],
    ['@hourly', ['2026-01-01 00:00:00', '2026-01-01 01:00:00']],
    ['@daily', ['2026-01-01 00:00:00', '2026-01-02 00:00:00']],
    ['@midnight', ['2026-01-01 00:00:00', '2026-01-02 00:00:00']],
    ['@weekly', ['2026-01-04 00:00:00', '2026-01-11 00:00:00']],
    ['@monthly', ['2026-01-01 00:00:00', '2026-02-01 00:00:00']],
    ['@yearly', ['2026-01-01 00:00:00', '2027-01-01 00:00:00']],
    ['@annually', ['2026-01-01 00:00:00', '2027-01-01 00:00:00']],
    ['@every 90s', ['2026-01-01 00:01:30', '2026-01-01 00:03:00']],
    ['@every 1h30m', ['2026-01-01 01:30:00', '2026-01-01 03:00:00']],
  ])('"%s"', ([expression, slots]) => {
    expect(firstSlots(inUtc([expression]), slots.length)).toEqual(slots);
  });
});

describe('day of month and day of week', () => {
  test('both restricted: either is enough, as in cron', () => {
    const slots = firstSlots(inUtc(['0 0 13 * FRI']), 4);
    expect(slots.map((slot) => slot.slice(0, 10))).toEqual([
      '2026-01-02',
      '2026-01-09',
      '2026-01-13',
      '2026-01-16',
    ]);
  });

  test('a field that starts with * is unrestricted even with a step: both must match', () => {
    const slots = firstSlots(inUtc(['0 0 */2 * MON']), 3);
    expect(slots.map((slot) => slot.slice(0, 10))).toEqual(['2026-01-05', '2026-01-19', '2026-02-09']);
  });
});

describe('refused, with the fault and a hint', () => {
  test.for<[string, RegExp, RegExp]>([
    ['', /empty/, /Five fields/],
    ['   ', /empty/, /Five fields/],
    ['* * * *', /4 fields/, /Five fields/],
    ['hello', /1 field\b/, /Five fields/],
    ['1 2 3 4 5 6 7 8', /8 fields/, /Five fields/],
    ['@fortnightly', /no macro @fortnightly/, /The macros are .*@noon/],
    ['@weekdas', /no macro @weekdas/, /Did you mean @weekdays\?/],
    ['@daily 5', /@daily stands alone/, /Write `@daily`/],
    ['@at 2026-01-01', /no macro @at/, /The macros are/],
    ['CRON_TZ=Europe/London 0 2 * * *', /time zone does not belong/, /timeZone \(--tz\) to Europe\/London/],
    ['TZ=UTC 0 2 * * *', /time zone does not belong/, /timeZone \(--tz\) to UTC/],
    ['0 0 31 2 *', /would never run/, /February has at most 29/],
    ['0 0 30 2 *', /would never run/, /February has at most 29/],
    ['0 0 31 2,4,6,9,11 *', /would never run/, /Check/],
    ['0 0 */30 * 1#3', /would never run/, /Check/],
    ['0 0 L-30 2 *', /would never run/, /Check/],
    ['0 0 31W 2 *', /would never run/, /Check/],
    ['60 * * * *', /"60" is not a minute$/, /A minute is 0-59/],
    ['60 * * * * *', /"60" is not a second$/, /A second is 0-59/],
    ['* 24 * * *', /"24" is not an hour$/, /An hour is 0-23/],
    ['* * 0 * *', /"0" is not a day of month$/, /A day of month is 1-31/],
    ['* * * 13 *', /"13" is not a month$/, /A month is 1-12 or JAN-DEC/],
    ['* * * * 8', /"8" is not a day of week$/, /A day of week is 0-7 or SUN-SAT/],
    ['* * * * MOON', /"MOON" is not a day of week$/, /A day of week is/],
    ['* * * MON *', /"MON" is not a month$/, /A month is/],
    ['MON * * * *', /"MON" is not a minute$/, /A minute is/],
    ['* * * * 1#6', /"1#6" is not a day of week$/, /#1 to #5 or #L/],
    ['* * * * 1#0', /"1#0" is not a day of week$/, /#1 to #5 or #L/],
    ['* * * * L', /L needs a day of week in "L"/, /6L or SATL.*last Saturday.*Quartz.*SAT/],
    ['* * L-31 * *', /"L-31" is not a day of month$/, /L-1 to L-30/],
    ['0 22-2 * * *', /the range 22-2 in the hour field runs backwards/, /Write it as 22-23,0-2/],
    [
      '0 0 * * FRI-MON',
      /the range FRI-MON in the day of week field runs backwards/,
      /Write it as FRI-SAT,SUN-MON/,
    ],
    ['0 0 * NOV-FEB *', /the range NOV-FEB in the month field runs backwards/, /Write it as NOV-DEC,JAN-FEB/],
    ['0 0 * * 7-3', /the range 7-3 in the day of week field runs backwards/, /Write it as 0-3/],
    ['0 0 20-10/2 * *', /the range 20-10 in the day of month field runs backwards/, /two ranges, 20-31,1-10/],
    ['50~10 * * * *', /the range 50~10 in the minute field runs backwards/, /Write the smaller value first/],
    ['*/0 * * * *', /the step in "\*\/0" is 0/, /A step is 1 or more/],
    ['H/0 * * * *', /the step in "H\/0" is 0/, /A step is 1 or more/],
    ['H/90 * * * *', /the step in "H\/90" is longer than the minute field/, /@every 90m/],
    ['H(0-9)/20 * * * *', /the step in "H\(0-9\)\/20" is longer than its range/, /A minute is/],
    ['/5 * * * *', /"\/5" is not a minute$/, /Write `\*\/5`/],
    ['1, * * * *', /the minute field has an empty list item/, /Remove the comma/],
    ['H(0-99) * * * *', /"H\(0-99\)" is not a minute$/, /A minute is/],
    ['-5 * * * *', /"-5" is not a minute$/, /A minute is/],
    ['1.5 * * * *', /"1.5" is not a minute$/, /A minute is/],
    ['1;5 * * * *', /"1;5" is not a minute$/, /A minute is/],
    ['0 L * * *', /L in the hour field/, /L belongs in a day field/],
    ['0 0 * L *', /L in the month field/, /L belongs in a day field/],
    ['0 0 * * 15W', /W in the day of week field/, /W belongs in the day of month field.*1-5/],
    ['0 0 * * W', /W in the day of week field/, /1-5/],
    ['0 0 W * *', /W needs a day in "W"/, /15W.*LW/],
    ['0 0 1-5W * *', /W stands with a range in "1-5W"/, /1W,2W/],
    ['0 0 32W * *', /"32W" is not a day of month$/, /A day of month is/],
    ['0 0 5#2 * *', /# in the day of month field/, /belongs in the day of week field/],
    ['0 0 5C * *', /C \(a Quartz calendar\) in the day of month field/, /exact/],
    ['? * * * *', /\? in the minute field/, /`\?` belongs in a day field.*`\*`/],
    ['0 ? * * *', /\? in the hour field/, /`\*`/],
    ['0 0 * ? *', /\? in the month field/, /`\*`/],
    ['? 0 0 * * *', /\? in the second field/, /`\*`/],
    [
      '0 10 * * ? *',
      /the sixth field looks like the year of AWS/,
      /Write `0 10 \* \* \?`.*notBefore and notAfter/,
    ],
    ['0 18 ? * MON-FRI *', /the sixth field looks like the year of AWS/, /Write `0 18 \? \* MON-FRI`/],
    [
      '0 18 ? * 2-6 2026',
      /the sixth field looks like the year of AWS/,
      /`0 18 \? \* 1-5`.*AWS counts Sunday as 1/,
    ],
    ['cron(0 10 * * ? *)', /AWS/, /Write `0 10 \* \* \?`/],
    ['rate(5 minutes)', /rate\(…\) belongs to AWS/, /Write `@every 5m`/],
    ['rate(1 day)', /rate\(…\) belongs to AWS/, /Write `@every 1d`/],
    [
      '0 0 12 * * ? 2027',
      /the seventh field is the year of Quartz/,
      /Write `0 0 12 \* \* \?`.*notBefore and notAfter/,
    ],
    ['* * * * * * *', /the seventh field is the year of Quartz/, /Write `\* \* \* \* \* \*`/],
    [
      '0 0 12 ? * 2-6 *',
      /the seventh field is the year of Quartz/,
      /`0 0 12 \? \* 1-5`.*Quartz counts Sunday as 1/,
    ],
    [
      '0 10 * * MON 2027',
      /the sixth field looks like a year/,
      /Write `0 10 \* \* MON`.*notBefore and notAfter/,
    ],
    ['daily', /a word of systemd/, /Write `@daily`/],
    ['Weekly', /a word of systemd/, /Write `0 0 \* \* 1`/],
    ['quarterly', /a word of systemd/, /Write `@quarterly`/],
    ['*-*-* 04:00:00', /calendar event of systemd/, /Write `0 4 \* \* \*`/],
    ['Mon..Fri 09:30', /calendar event of systemd/, /Write `30 9 \* \* MON-FRI`/],
    ['Mon,Thu *-*-* 02:00', /calendar event of systemd/, /Write `0 2 \* \* MON,THU`/],
    ['*-*-01 00:00:30', /calendar event of systemd/, /Write `30 0 0 1 \* \*`/],
    ['*-12-24 18:00', /calendar event of systemd/, /Write `0 18 24 12 \*`/],
    ['2027-01-01 00:00', /calendar event of systemd/, /notBefore and notAfter/],
    ['*:0/15', /calendar event of systemd/, /Write `0\/15 \* \* \* \*`/],
    ['+13 * * * *', /\+ in the minute field/, /`\+` belongs before the day of week field/],
    ['0 0 +13 * FRI', /\+ in the day of month field/, /`\+` belongs before the day of week field/],
    ['@every', /needs a length/, /@every 90s/],
    ['@every soon', /needs a length/, /@every 90s/],
    ['@every 0s', /out of bounds/, /@every 90s/],
    ['@every 500ms', /whole seconds/, /@every 90s/],
    ['@every 400d', /out of bounds/, /@every 90s/],
    [`${'1,'.repeat(400)}1 * * * *`, /longer than 512 characters/, /ranges and steps/],
  ])('"%s"', ([expression, fault, hint]) => {
    const error = refusal(expression);
    expect(error.code).toBe('SCHEDULE_INVALID');
    expect(error.fields['detail']).toMatch(fault);
    expect(error.hint).toMatch(hint);
  });

  test('the general hint stands only where the number of fields is wrong', () => {
    const general = refusal('* * * *').hint;
    for (const expression of ['60 * * * *', '0 0 31 2 *', '@fortnightly', 'daily', '* * * * * * *'])
      expect(refusal(expression).hint).not.toBe(general);
  });

  test('the refusal of a zone in the expression names timeZone', () => {
    expect(refusal('CRON_TZ=Europe/London 0 2 * * *').hint).toContain('timeZone (--tz) to Europe/London');
  });
});

describe('H', () => {
  test('falls on the same time each day for the same job', () => {
    const slots = firstSlots(inUtc(['H H * * *'], 'local/backup'), 3);
    expect(firstSlots(inUtc(['H H * * *'], 'local/backup'), 3)).toEqual(slots);
    expect(new Set(slots.map((slot) => slot.slice(11))).size).toBe(1);
  });

  test.for<[string, string, string]>([
    ['H H * * *', 'local/backup', '2026-01-01 03:41:00'],
    ['H H * * H', 'prod/rotate-secrets', '2026-01-04 20:53:00'],
    ['H/15 * * * *', '', '2026-01-01 00:01:00'],
  ])('"%s" of "%s" keeps its slot from version to version', ([expression, seed, slot]) => {
    expect(firstSlots(inUtc([expression], seed), 1)).toEqual([slot]);
  });

  test.for([
    '0 0 31 H *',
    '0 0 30 H *',
    '0 0 31 H(2-4) *',
    '0 0 31 H/7 *',
    '0 0 H(30-31) 2 *',
    '0 0 H(1-31) H *',
    '0 0 L-30 H *',
    '0 0 31 ~ *',
    '0 0 1~31 2 *',
    // Both day fields must match: the 1st is never a third Monday, and 15W is never a Sunday.
    '0 0 */31,H * 1#3',
    '0 0 */31,~ * 1#3',
    '0 0 H * +1#3',
    '0 0 1~7 * +MON#2',
    '0 0 15W * +H',
  ])('"%s" is refused for every job, since some names never run', (expression) => {
    for (let job = 0; job < 60; job++) {
      expect(() => inUtc([expression], `local/job-${job}`)).toThrow(/for some job names it would never run/);
    }
  });

  test.for([
    '0 0 29 H *',
    '0 0 H H *',
    '0 0 31 H(1-1),3 *',
    '0 0 31 H/2,1 *',
    '0 0 H(1-28) 2 *',
    '0 0 31,H H *',
    '0 0 29 2 +H',
    '0 0 H H H',
    '0 0 H(15-21) * +H',
    '0 0 15-21,H * +1#3',
    '0 0 */31,H * 1',
  ])('"%s" is valid for every job', (expression) => {
    for (let job = 0; job < 60; job++) {
      expect(inUtc([expression], `local/job-${job}`).next(NEW_YEAR)).toBeGreaterThan(NEW_YEAR);
    }
  });

  test.for<[string, string]>([
    ['~ * * * *', 'H * * * *'],
    ['10~50 * * * *', 'H(10-50) * * * *'],
    ['~30 * * * *', 'H(0-30) * * * *'],
    ['30~ * * * *', 'H(30-59) * * * *'],
    ['~/15 * * * *', 'H/15 * * * *'],
    ['5~25/10 * * * *', 'H(5-25)/10 * * * *'],
    ['0 0 ~ * *', '0 0 H * *'],
    ['0 0 1~31 1 *', '0 0 H(1-31) 1 *'],
    ['0 0 * * ~', '0 0 * * H'],
    ['0 0 * 3~ *', '0 0 * H(3-12) *'],
  ])('"%s" of cronie and OpenBSD means %s', ([random, hashed]) => {
    for (let job = 0; job < 30; job++) {
      expect(firstSlots(inUtc([random], `local/job-${job}`), 4)).toEqual(
        firstSlots(inUtc([hashed], `local/job-${job}`), 4),
      );
    }
  });

  test('may stand in both day fields, where either is enough', () => {
    const slots = inUtc(['0 0 H * H']).count(NEW_YEAR - 1, Date.parse('2026-12-31T23:59:59Z'));
    expect(slots).toBeGreaterThanOrEqual(52);
    expect(slots).toBeLessThanOrEqual(64);
  });

  test('stays within its range and keeps its step', () => {
    for (let job = 0; job < 200; job++) {
      const slots = firstSlots(inUtc(['H(10-19)/5 * * * *'], `local/job-${job}`), 2).map((slot) =>
        Number(slot.slice(14, 16)),
      );
      expect(slots[0]).toBeGreaterThanOrEqual(10);
      expect(slots[1]).toBeLessThanOrEqual(19);
      expect(slots[1]! - slots[0]!).toBe(5);
    }
  });

  test('two ranges of H in one list may fall on the same value', () => {
    for (let job = 0; job < 200; job++) {
      const found = inUtc(['H(0-2),H(1-3) 0 * * *'], `local/job-${job}`).count(
        NEW_YEAR - 1,
        NEW_YEAR + 3_600_000,
      );
      expect([1, 2]).toContain(found);
    }
  });

  test('in the day of month falls on a day that every month has', () => {
    for (let job = 0; job < 100; job++) {
      const schedule = inUtc(['0 0 H * *'], `local/job-${job}`);
      expect(schedule.count(NEW_YEAR - 1, Date.parse('2026-12-31T23:59:59Z'))).toBe(12);
    }
  });

  test.for<[string, number, (slot: Date) => number]>([
    ['H * * * *', 60, (slot) => slot.getUTCMinutes()],
    ['0 H * * *', 24, (slot) => slot.getUTCHours()],
    ['0 0 * * H', 7, (slot) => slot.getUTCDay()],
    ['0 0 H * *', 28, (slot) => slot.getUTCDate() - 1],
  ])('"%s" spreads jobs evenly over %d values', ([expression, values, valueOf]) => {
    const jobs = values * 100;
    const counts = Array.from({ length: values }, () => 0);
    for (let job = 0; job < jobs; job++) {
      const slot = inUtc([expression], `team-${job % 7}/job-${job}`).next(NEW_YEAR - 1);
      counts[valueOf(new Date(slot!))]!++;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    // Mean values-1, standard deviation sqrt(2 (values-1)): five of them is far out.
    expect(chiSquare).toBeLessThan(values - 1 + 5 * Math.sqrt(2 * (values - 1)));
  });
});
