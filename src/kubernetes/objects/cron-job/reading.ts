// What is said while a CronJob is read, and the parts of it that are looked at. Everything was written by others:
// types are hopes, and only what an API server has checked is relied upon.
import type { Problem } from '../../../core/errors.ts';
import { isMapping } from '../../../core/validate/structure.ts';

export interface Reading {
  /** What became different or was left out. */
  notes: string[];
  /** Why it cannot be an LshJob. */
  problems: Problem[];
}

export interface CronJobSpec {
  schedule?: string;
  timeZone?: string;
  startingDeadlineSeconds?: number;
  concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace';
  suspend?: boolean;
  successfulJobsHistoryLimit?: number;
  failedJobsHistoryLimit?: number;
  jobTemplate?: { metadata?: Metadata; spec?: KubernetesJobSpec };
}

export interface Metadata {
  name?: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface KubernetesJobSpec {
  parallelism?: number;
  completions?: number;
  completionMode?: string;
  activeDeadlineSeconds?: number;
  backoffLimit?: number;
  podFailurePolicy?: { rules?: PodFailureRule[] };
  ttlSecondsAfterFinished?: number;
  template?: { metadata?: object; spec?: PodSpec };
}

export interface PodFailureRule {
  action?: string;
  onExitCodes?: { containerName?: string | null; operator?: string; values?: number[] };
}

export interface PodSpec {
  containers?: Container[];
  restartPolicy?: string;
  terminationGracePeriodSeconds?: number;
}

export interface Container {
  name?: string;
  image?: string;
  command?: string[];
  args?: string[];
  env?: EnvVar[];
  envFrom?: Record<string, unknown>[];
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: Record<string, unknown>;
}

export function newReading(): Reading {
  return { notes: [], problems: [] };
}

/** Says of each field that is not known that it was left out. */
export function leaveOut(reading: Reading, where: string, object: object, known: readonly string[]): void {
  for (const [key, value] of Object.entries(object)) {
    if (known.includes(key) || isEmpty(value)) continue;
    reading.notes.push(`${where}.${key} has no place in an LshJob and was left out.`);
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (isMapping(value) && Object.keys(value).length === 0);
}

/** The number within the bounds of an LshJob, with a note where it had to change. */
export function within(
  { notes }: Reading,
  field: string,
  value: number,
  [min, max]: readonly [number, number],
): number {
  const kept = Math.min(max, Math.max(min, value));
  if (kept !== value) notes.push(`${field}: ${value} became ${kept}; an LshJob takes ${min} to ${max}.`);
  return kept;
}
