// Converts the schedules that other crons write into expressions of lsh.

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');

/** Bounds and names of the five fields. The weekday of a range of random days ends on Saturday: 7 is Sunday again. */
const FIELDS: readonly { min: number; max: number; names?: readonly string[] }[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];

const VALUE = String.raw`(?:\d+|${[...DAYS, ...MONTHS].join('|')})`;
/** A list item that no program is named after: not `w`, `l` or `may`, which could be programs. */
const ITEM = new RegExp(
  String.raw`^(?:[*?](?:/\d+)?|\d+(?:/\d+)?|${VALUE}[-~]${VALUE}(?:/\d+)?|\d*~\d*(?:/\d+)?|\d[LW#]\d?|LW|H(?:\(\d+-\d+\))?/\d+|H\(\d+-\d+\))$`,
  'i',
);
const WEEKDAY_LIST = new RegExp(`^(?:${DAYS.join('|')})(?:,(?:${DAYS.join('|')}))*$`, 'i');

/** Whether the word can only be a field of a schedule, and is no program. */
export function isScheduleField(word: string): boolean {
  return word.split(',').every((item) => ITEM.test(item)) || WEEKDAY_LIST.test(word);
}

export interface ConvertedSchedule {
  expression: string;
  /** Sentences about fields that lsh reads differently. */
  notes: string[];
}

/** Converts a macro or five fields; lsh reads the macros of other crons as they are. The expression may still be invalid. */
export function convertSchedule(written: string): ConvertedSchedule {
  const seconds = /^@(\d+)$/.exec(written)?.[1];
  if (seconds !== undefined) {
    const note = `${written} counts from the end of a run in FreeBSD’s cron; @every counts from start to start.`;
    return { expression: `@every ${seconds}s`, notes: [note] };
  }
  if (written.startsWith('@')) return { expression: written, notes: [] };
  const fields = written.split(' ');
  const expression = fields.map(randomAsHash).join(' ');
  const notes = fields.flatMap(stepNotes);
  if (expression !== written) {
    notes.push(
      `"${written}" became "${expression}": cron draws ~ anew when it reads the crontab; H derives it from the job’s name and keeps it.`,
    );
  }
  return { expression, notes };
}

/** Replaces `a~b`, a random value of cronie and OpenBSD, by the stable choice of lsh. */
function randomAsHash(field: string, index: number): string {
  const { min, max, names = [] } = FIELDS[index]!;
  const bound = (text: string, missing: number): number => {
    if (text === '') return missing;
    const named = names.indexOf(text.toUpperCase());
    return named === -1 ? Number(text) : named + min;
  };
  return field.replaceAll(/(\w*)~(\w*)/g, (range: string, low: string, high: string) => {
    if (range === '~') return 'H';
    return `H(${bound(low, min)}-${bound(high, max)})`;
  });
}

function stepNotes(field: string, index: number): string[] {
  const { max } = FIELDS[index]!;
  return field
    .split(',')
    .filter((item) => /^\w+\/\d+$/.test(item) && !item.startsWith('H'))
    .map((item) => {
      const [value = '', step = ''] = item.split('/');
      return `cron refuses or misreads "${item}"; lsh reads it as ${value}-${max}/${step}.`;
    });
}
