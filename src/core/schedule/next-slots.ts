// What adding or changing a job shows of its future, the same in both homes.
import { jobSchedule } from './job-schedule.ts';
import type { Job } from '../job.ts';
import { localRfc3339 } from './local-time.ts';

const SLOTS_SHOWN = 3;

/** The next slots after `now` (milliseconds) as RFC 3339 with the offset of the job’s zone; none while suspended. */
export function nextSlots(job: Pick<Job, 'key' | 'spec' | 'createdAt'>, now: number): string[] {
  if (job.spec.suspend) return [];
  const schedule = jobSchedule(job);
  const slots: string[] = [];
  let slot = schedule.next(now);
  while (slot !== undefined && slots.length < SLOTS_SHOWN) {
    slots.push(localRfc3339(slot, job.spec.timeZone));
    slot = schedule.next(slot);
  }
  return slots;
}
