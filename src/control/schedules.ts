// The compiled schedule of each job. Compiles a spec once: an edit brings a new spec object.
import { LshError } from '../core/errors.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { CalendarUse } from '../core/spec/blocks.ts';
import type { JobSpec } from '../core/spec/job-spec.ts';
import type { CalendarDays } from '../core/schedule/days/day-rules.ts';
import { jobSchedule } from '../core/schedule/job-schedule.ts';
import type { Schedule, Starts } from '../core/schedule/schedule.ts';
import type { ClockSteps } from './clock-steps.ts';
import type { Calendars } from './ports.ts';

export interface SchedulesOptions {
  clockSteps: ClockSteps;
  /** The slots of `@reboot` and `@daemon-start`; undefined in a cluster. */
  starts?: Starts;
  /** Undefined if this process has none: each job that names one is then invalid. */
  calendars?: Calendars;
}

interface Compiled {
  /** The starts of its macros moved with the clock. */
  movedMs: number;
  uid: string;
  spec: JobSpec;
  /** The contents of its calendars; undefined for a job without calendars. */
  contents: readonly CalendarDays[] | undefined;
  schedule: Schedule | LshError;
}

export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #compiled = new Map<JobKey, Compiled>();

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** The schedule of the job, or why its spec has none. */
  of(job: Job): Schedule | LshError {
    const { key, uid, spec } = job;
    const { movedMs } = this.#options.clockSteps;
    const known = this.#compiled.get(key);
    const contents = spec.calendars && this.#contents(spec.calendars);
    if (contents instanceof LshError) return contents;
    if (
      known?.spec === spec &&
      known.uid === uid &&
      known.movedMs === movedMs &&
      known.contents?.every((content, index) => content === contents?.[index]) !== false
    )
      return known.schedule;
    const schedule = this.#compile(job);
    this.#compiled.set(key, { movedMs, uid, spec, contents, schedule });
    return schedule;
  }

  /** Why a calendar cannot be read: without it, a run could start on a day that it leaves out. */
  #contents(calendars: readonly CalendarUse[]): CalendarDays[] | LshError {
    try {
      return calendars.map(({ name }) => this.#calendar(name));
    } catch (thrown) {
      if (thrown instanceof LshError) return thrown;
      throw thrown;
    }
  }

  #calendar(name: string): CalendarDays {
    const { calendars } = this.#options;
    if (calendars === undefined) throw new LshError('CALENDAR_UNKNOWN', { name });
    return calendars.content(name);
  }

  forget(key: JobKey): void {
    this.#compiled.delete(key);
  }

  get #starts(): Starts | undefined {
    const { starts, clockSteps } = this.#options;
    if (starts === undefined) return undefined;
    const { movedMs } = clockSteps;
    return { '@reboot': starts['@reboot'] + movedMs, '@daemon-start': starts['@daemon-start'] + movedMs };
  }

  #compile(job: Job): Schedule | LshError {
    try {
      const calendars = (name: string) => this.#calendar(name);
      return jobSchedule(job, { starts: this.#starts, calendars });
    } catch (thrown) {
      if (thrown instanceof LshError) return thrown;
      throw thrown;
    }
  }
}
