// The keys of jobs and the names of runs.
// Run names are a function of job, slot and attempt, so a second start of the same run is refused by its name.
// They have at most 63 characters: a run’s name is also the name of its Kubernetes Job and the value of a label.
import { stableId } from './hash.ts';
import type { JobKey } from './job.ts';

// 63 less the longest suffix: "-m", 8 of id, "-", 3 of attempt.
const JOB_PART_MAX_LENGTH = 49;
const ID_LENGTH = 8;

/** Shortens a long job name to its start and a hash of the whole name. */
function jobPart(name: string, maxLength = JOB_PART_MAX_LENGTH): string {
  if (name.length <= maxLength) return name;
  const start = name.slice(0, maxLength - ID_LENGTH - 1).replace(/-+$/, '');
  return `${start}-${stableId(name, ID_LENGTH)}`;
}

function withAttempt(base: string, attempt: number): string {
  return attempt === 1 ? base : `${base}-${attempt}`;
}

/** Whether the text has the form of a run name. Log paths and messages contain it, so input is checked. */
export function isRunName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{0,62}$/.test(name);
}

/**
 * Name of a slot’s run. It ends in the slot (milliseconds) as seconds in base 36, and in the pass if the clock was set
 * back and passed the slot again.
 */
export function slotRunName(jobName: string, slot: number, attempt: number, pass?: number): string {
  const passPart = pass === undefined ? '' : `-p${pass}`;
  const part = jobPart(jobName, JOB_PART_MAX_LENGTH - passPart.length);
  return withAttempt(`${part}-${Math.floor(slot / 1000).toString(36)}${passPart}`, attempt);
}

/** Name of a manual run. The same trigger id gives the same run. */
export function manualRunName(jobName: string, triggerId: string, attempt: number): string {
  return withAttempt(`${jobPart(jobName)}-m${stableId(`${jobName}\n${triggerId}`, ID_LENGTH)}`, attempt);
}

/** Name of the run that follows the end of another job’s run. One end gives one run. */
export function afterRunName(jobName: string, cause: { job: string; run: string }, attempt: number): string {
  const id = stableId(`${jobName}\n${cause.job}\n${cause.run}`, ID_LENGTH);
  return withAttempt(`${jobPart(jobName)}-a${id}`, attempt);
}

/** Name of the first attempt of the run’s slot or request: of all names, only those of retries end in a short number. */
export function firstAttemptName(name: string): string {
  return name.replace(/-\d{1,3}$/, '');
}

/** The daemon’s one namespace. */
export const LOCAL_NAMESPACE = 'local';

export function jobKey(namespace: string, name: string): JobKey {
  return `${namespace}/${name}`;
}

/** Splits `namespace/name`. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
