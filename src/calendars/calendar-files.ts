// The calendars in a directory: NAME.ics or NAME.txt. A process looks at the files of a job at each of its evaluations,
// and reads a file again only if it has changed, so an edit needs no restart.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LshError } from '../core/errors.ts';
import { CALENDAR_NAME } from '../core/spec/blocks.ts';
import type { CalendarDays } from '../core/schedule/days/day-rules.ts';
import { dateListDays } from './date-list.ts';

/** A ConfigMap holds no more. */
export const CALENDAR_MAX_BYTES = 1024 * 1024;
/** The years of repeating events around the present one: late slots are behind, `lsh cron next` looks ahead. */
const YEARS_BEHIND = 2;
const YEARS_AHEAD = 10;

const ENDINGS = ['.ics', '.txt'] as const;

/** A calendar that was read, or why it cannot be. */
interface Known {
  /** What the file was then, and the year. */
  version: string;
  content: CalendarDays | LshError;
}

export class CalendarFiles {
  readonly #directory: string;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();

  /** `now` gives milliseconds since the epoch. */
  constructor(directory: string, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /** Reads the named calendars whose files have changed; undefined if none has. Never rejects. */
  refresh(names: readonly string[]): Promise<void> | undefined {
    const changed = names.flatMap((name) => {
      const file = this.#find(name);
      return this.#known.get(name)?.version === file.version ? [] : [{ name, ...file }];
    });
    if (changed.length === 0) return undefined;
    return Promise.all(changed.map((file) => this.#read(file))).then(() => {});
  }

  /** The calendar as it was last read: the same object until its file changes. Throws CALENDAR_UNKNOWN, CALENDAR_INVALID. */
  content(name: string): CalendarDays {
    const content = this.#known.get(name)?.content ?? new LshError('CALENDAR_UNKNOWN', { name });
    if (content instanceof LshError) throw content;
    return content;
  }

  /** The names of the files, in order. */
  names(): string[] {
    const files = entriesOf(this.#directory);
    const names = files.flatMap((file) => {
      const ending = ENDINGS.find((each) => file.endsWith(each));
      return ending === undefined ? [] : file.slice(0, -ending.length);
    });
    return [...new Set(names.filter((name) => CALENDAR_NAME.test(name)))].sort();
  }

  #find(name: string): { path?: string; version: string } {
    const year = new Date(this.#now()).getUTCFullYear();
    for (const ending of ENDINGS) {
      const path = join(this.#directory, name + ending);
      const found = statSync(path, { throwIfNoEntry: false, bigint: true });
      if (found !== undefined)
        return { path, version: [ending, found.ino, found.mtimeNs, found.size, year].join(':') };
    }
    return { version: 'absent' };
  }

  async #read({ name, path, version }: { name: string; path?: string; version: string }): Promise<void> {
    const content =
      path === undefined ? new LshError('CALENDAR_UNKNOWN', { name }) : await this.#parse(name, path);
    this.#known.set(name, { version, content });
  }

  async #parse(name: string, path: string): Promise<CalendarDays | LshError> {
    try {
      if (statSync(path).size > CALENDAR_MAX_BYTES) throw new Error('it has more than 1 MiB');
      return await calendarDays(readFileSync(path, 'utf8'), path.endsWith('.ics'), this.#now());
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return new LshError('CALENDAR_INVALID', { name, detail }, { cause: error });
    }
  }
}

/** The days of the text of a calendar. Rejects with an Error that says what is wrong. `now`: milliseconds. */
export async function calendarDays(text: string, isICalendar: boolean, now: number): Promise<CalendarDays> {
  if (!isICalendar) return dateListDays(text);
  const { icalendarDays } = await import('./icalendar.ts');
  const year = new Date(now).getUTCFullYear();
  return icalendarDays(text, { from: year - YEARS_BEHIND, to: year + YEARS_AHEAD });
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
