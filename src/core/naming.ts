// Names of runs: a function of job, slot and attempt, so that starting the same run twice is refused by name.
// At most 63 characters, because a run’s name is also a Kubernetes Job’s, a Pod’s and a label’s.
import { stableId } from './hash.ts';

// 63 less the longest suffix: "-m", 8 of id, "-", 3 of attempt.
const JOB_PART_MAX_LENGTH = 49;
const ID_LENGTH = 8;

/** Job names that are too long keep their start and get a hash of the whole. */
function jobPart(name: string): string {
  if (name.length <= JOB_PART_MAX_LENGTH) return name;
  const start = name.slice(0, JOB_PART_MAX_LENGTH - ID_LENGTH - 1).replace(/-+$/, '');
  return `${start}-${stableId(name, ID_LENGTH)}`;
}

function withAttempt(base: string, attempt: number): string {
  return attempt === 1 ? base : `${base}-${attempt}`;
}

/** Whether a run can have this name, with which paths and messages are made. */
export function isRunName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{0,62}$/.test(name);
}

/** Name of a slot’s run: the slot (milliseconds) in seconds, base 36. */
export function slotRunName(jobName: string, slot: number, attempt: number): string {
  return withAttempt(`${jobPart(jobName)}-${Math.floor(slot / 1000).toString(36)}`, attempt);
}

/** Name of a manual run: the same trigger id is the same run. */
export function manualRunName(jobName: string, triggerId: string, attempt: number): string {
  return withAttempt(`${jobPart(jobName)}-m${stableId(`${jobName}\n${triggerId}`, ID_LENGTH)}`, attempt);
}
