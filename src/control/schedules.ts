// The compiled schedule of each job. Compiles a spec once: an edit brings a new spec object.
import { LshError } from '../core/errors.ts';
import type { Job, JobKey, JobSpec } from '../core/job.ts';
import { jobSchedule } from '../core/schedule/job-schedule.ts';
import type { Schedule, Starts } from '../core/schedule/schedule.ts';
import type { ClockSteps } from './clock-steps.ts';

export interface SchedulesOptions {
  clockSteps: ClockSteps;
  /** The slots of `@reboot` and `@daemon-start`; undefined in a cluster. */
  starts?: Starts;
}

interface Compiled {
  /** The starts of its macros moved with the clock. */
  movedMs: number;
  uid: string;
  spec: JobSpec;
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
    if (known?.spec === spec && known.uid === uid && known.movedMs === movedMs) return known.schedule;
    const schedule = this.#compile(job);
    this.#compiled.set(key, { movedMs, uid, spec, schedule });
    return schedule;
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
      return jobSchedule(job, { starts: this.#starts });
    } catch (thrown) {
      if (thrown instanceof LshError) return thrown;
      throw thrown;
    }
  }
}
