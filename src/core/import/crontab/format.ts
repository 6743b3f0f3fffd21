// Recognises the format of a crontab by its place and by its lines.
import { isScheduleField } from './schedule.ts';
import { settingOf, splitSchedule, splitWord } from './lines.ts';

/** `user`: schedule and command. `system`: a user between them. `anacron`: period, delay, id and command. */
export type CrontabFormat = 'user' | 'system' | 'anacron';

export interface FormatHints {
  /** Absolute path of the file. */
  path?: string | undefined;
  /** The user’s word: whether the crontab has a user column. */
  system?: boolean | undefined;
  /** Names of the accounts of this machine. */
  accounts: ReadonlySet<string>;
}

export interface RecognisedFormat {
  format: CrontabFormat;
  /** Why it is another format than the user asked for. */
  note?: string;
}

const SYSTEM_PLACE = /^(?:\/usr\/local)?\/etc\/(?:crontab|cron\.d\/[^/]+)$/;
const ANACRON_PLACE = /\/anacrontab$/;
const ANACRON_LINE = /^(?:\d+|@\w+)\s+\d+\s+(\S+)\s+\S/;

/** The format of the crontab with these lines. */
export function crontabFormat(lines: readonly (string | undefined)[], hints: FormatHints): RecognisedFormat {
  const { path = '', system } = hints;
  const jobs = lines.filter(
    (line) => line !== undefined && line !== '' && !line.startsWith('#') && !settingOf(line),
  ) as string[];
  if (ANACRON_PLACE.test(path) || (jobs.length > 0 && jobs.every(isAnacronLine))) {
    return { format: 'anacron', note: 'The file is an anacrontab: period, delay, name and command.' };
  }
  if (system !== undefined) return { format: system ? 'system' : 'user' };
  if (SYSTEM_PLACE.test(path)) {
    const note = `${path} is a system crontab: the word behind the schedule is a user.`;
    return { format: 'system', note };
  }
  const users = jobs.map((line) => userOf(line, hints.accounts));
  if (users.length > 0 && users.every((user) => user !== undefined)) {
    const names = [...new Set(users)].join(', ');
    const note = `Each command begins with an account (${names}), so the file is read as a system crontab. --no-system reads the word as a program.`;
    return { format: 'system', note };
  }
  return { format: 'user' };
}

function isAnacronLine(line: string): boolean {
  const [, id] = ANACRON_LINE.exec(line) ?? [];
  return id !== undefined && !isScheduleField(id);
}

/** The account before the command. `mail -s` is a program: no command begins with an option. */
function userOf(line: string, accounts: ReadonlySet<string>): string | undefined {
  const { word, rest } = splitWord(splitSchedule(line)?.rest ?? '');
  return accounts.has(word) && /^[^-]/.test(rest) ? word : undefined;
}
