// What a user asks about a job and an instant.
import type { JobDocument, RunDocument, SlotDocument } from '../../document.ts';
import { allSlots } from '../../schedule/days/limited-schedule.ts';
import type { Schedule } from '../../schedule/schedule.ts';
import type { GroupView } from '../related/group-view.ts';

export interface Question {
  job: JobDocument;
  /** The instant to explain, milliseconds. */
  at: number;
  now: number;
  schedule: Schedule;
  /** The slots that are to come, if the clock was set; default: the schedule. */
  coming?: Schedule;
  /** Slot records that cover the instant. */
  slots: readonly SlotDocument[];
  /** Runs of the job around the instant. */
  runs: readonly RunDocument[];
  /** The concurrency group in which a run of the job waits now. */
  group?: GroupView;
}

/** Whether the expressions have a slot at the instant, be its day left out or not. */
export function isSlot({ schedule, at }: Question): boolean {
  return allSlots(schedule).previous(at, at - 1) === at;
}
