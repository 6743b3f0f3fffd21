// Splits a crontab into lines, and a line into its schedule and the rest.

/** The lines; undefined for a line whose bytes are not UTF-8. */
export function crontabLines(content: string | Uint8Array): (string | undefined)[] {
  if (typeof content === 'string') return content.split(/\r?\n/);
  const decoded = decode(content);
  if (decoded !== undefined) return decoded.split(/\r?\n/);
  return byteLines(content).map((line) => decode(line)?.replace(/\r$/, ''));
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function byteLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start <= bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

export interface Setting {
  name: string;
  value: string;
}

const SETTING = /^([A-Za-z_]\w*|"[^"]*"|'[^']*')\s*=\s*(.*)$/;

/** The name and value of a NAME=value line; undefined for any other line. */
export function settingOf(line: string): Setting | undefined {
  const [, name, value] = SETTING.exec(line) ?? [];
  return name === undefined || value === undefined
    ? undefined
    : { name: unquote(name), value: unquote(value) };
}

function unquote(text: string): string {
  const quoted = /^"([^"]*)"$|^'([^']*)'$/.exec(text);
  return quoted?.[1] ?? quoted?.[2] ?? text;
}

export interface ScheduledLine {
  /** The schedule as written, with single spaces. */
  schedule: string;
  /** The user column, if there is one, and the command. */
  rest: string;
}

/** `@every` has its length in a word of its own. */
const SCHEDULED = /^(@every\s+\d\S*|@\S+|\S+(?:\s+\S+){4})\s+(\S.*)$/;

/** Splits a line behind its macro or its five fields; undefined for a shorter line. */
export function splitSchedule(line: string): ScheduledLine | undefined {
  // In some crons a leading minus keeps the job out of the system log.
  const [, schedule, rest] = SCHEDULED.exec(line.replace(/^-(?=[*\d])/, '')) ?? [];
  return schedule === undefined || rest === undefined
    ? undefined
    : { schedule: schedule.replaceAll(/\s+/g, ' '), rest };
}

/** The first word and the text behind it. */
export function splitWord(text: string): { word: string; rest: string } {
  const [, word = text, rest = ''] = /^(\S+)\s+(\S.*)$/.exec(text) ?? [];
  return { word, rest };
}
