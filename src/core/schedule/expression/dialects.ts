// Notations of AWS, Quartz and systemd that are no expressions here. Each is refused by name, with the same schedule in
// our notation where there is one.

/** Why an expression is refused, and what to write instead. */
export interface Refusal {
  /** A clause without its full stop. */
  detail: string;
  hint: string;
}

const YEARS = 'Limit years by notBefore and notAfter.';
const YEAR = /^(?:\*|\d{4}(?:[-,/]\d+)*)$/;

/** The refusal of a text in another scheduler's notation; undefined for all other texts. */
export function dialectRefusal(text: string): Refusal | undefined {
  const wrapped = /^cron\((.*)\)$/i.exec(text)?.[1];
  if (wrapped !== undefined) {
    return (
      awsRefusal(wrapped.trim().split(/\s+/)) ?? {
        detail: 'cron(…) belongs to AWS',
        hint: 'Write the fields alone.',
      }
    );
  }
  return rateRefusal(text) ?? systemdRefusal(text) ?? fieldsRefusal(text.split(/\s+/));
}

function rateRefusal(text: string): Refusal | undefined {
  const [, amount, unit = ''] = /^rate\((\d+)\s+(minute|hour|day)s?\)$/i.exec(text) ?? [];
  if (amount === undefined) return undefined;
  return { detail: 'rate(…) belongs to AWS', hint: `Write \`@every ${amount}${unit[0]!.toLowerCase()}\`.` };
}

function fieldsRefusal(fields: readonly string[]): Refusal | undefined {
  if (fields.length === 7) {
    return {
      detail: 'it has 7 fields, and the seventh field is the year of Quartz',
      hint: withoutYear(fields, 'Quartz'),
    };
  }
  if (fields.length !== 6) return undefined;
  // AWS demands a `?` in one of its day fields, which are the third and the fifth of six.
  if (fields[2] === '?' || fields[4] === '?') return awsRefusal(fields);
  if (!/^\d{4}/.test(fields[5]!) || !YEAR.test(fields[5]!)) return undefined;
  return {
    detail: 'the sixth field looks like a year',
    hint: `Write \`${fields.slice(0, 5).join(' ')}\`. ${YEARS}`,
  };
}

function awsRefusal(fields: readonly string[]): Refusal | undefined {
  if (fields.length !== 6 || !YEAR.test(fields[5]!)) return undefined;
  return { detail: 'the sixth field looks like the year of AWS', hint: withoutYear(fields, 'AWS') };
}

function withoutYear(fields: readonly string[], dialect: 'AWS' | 'Quartz'): string {
  const weekday = fields.at(-2)!;
  // Not the number of a step or behind #.
  const renumbered = weekday.replaceAll(/(?<![#/\d])\d+/g, (day) => String(Number(day) - 1));
  const expression = [...fields.slice(0, -2), renumbered].join(' ');
  const sunday = renumbered === weekday ? '' : ` ${dialect} counts Sunday as 1, lsh as 0.`;
  return `Write \`${expression}\`.${sunday} ${YEARS}`;
}

const SYSTEMD_WORDS: Readonly<Record<string, string>> = {
  minutely: '@minutely',
  hourly: '@hourly',
  daily: '@daily',
  // systemd's week begins on Monday, that of @weekly on Sunday.
  weekly: '0 0 * * 1',
  monthly: '@monthly',
  quarterly: '@quarterly',
  semiannually: '@semiannually',
  yearly: '@yearly',
  annually: '@yearly',
};
/** `Mon..Fri *-*-01 04:00:00`: weekdays, date and time, of which any may be missing. */
const CALENDAR_EVENT =
  /^(?:([a-z]{3,}(?:(?:,|\.\.)[a-z]{3,})*)(?:\s+|$))?(?:(\*|\d{4})-([\d*,/.]+)-([\d*,/.]+)(?:\s+|$))?(?:([\d*,/.]+):([\d*,/.]+)(?::([\d*,/.]+))?)?$/i;

function systemdRefusal(text: string): Refusal | undefined {
  const word = SYSTEMD_WORDS[text.toLowerCase()];
  if (word !== undefined) return { detail: `${text} is a word of systemd`, hint: `Write \`${word}\`.` };
  const [, weekdays, year, month, day, hour, minute, second] = CALENDAR_EVENT.exec(text) ?? [];
  if (year === undefined && hour === undefined) return undefined;
  const fields = [second, minute, hour, day, month, weekdayField(weekdays)].map((field, index) =>
    systemdField(field ?? (index < 3 ? '0' : '*')),
  );
  const expression = fields.slice(fields[0] === '0' ? 1 : 0).join(' ');
  const years = /^\d/.test(year ?? '*') ? ` ${YEARS}` : '';
  return { detail: 'it is a calendar event of systemd', hint: `Write \`${expression}\`.${years}` };
}

function systemdField(text: string): string {
  return text.replaceAll('..', '-').replaceAll(/\b0+(?=\d)/g, '');
}

function weekdayField(weekdays: string | undefined): string {
  return weekdays?.replaceAll(/[a-z]+/gi, (name) => name.slice(0, 3).toUpperCase()) ?? '*';
}
