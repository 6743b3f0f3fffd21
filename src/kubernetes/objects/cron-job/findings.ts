// The parts of a CronJob that the conversion reads, and the notes it takes. The types describe a document that an API
// server has checked; a document from a file may break them.
import type { Problem } from '../../../core/errors.ts';
import { isMapping } from '../../../core/validate/structure.ts';

export interface Findings {
  /** Sentences about changed or dropped fields. */
  notes: string[];
  /** Reasons why no LshJob means the same. */
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
  finalizers?: string[];
  ownerReferences?: { kind?: string; name?: string }[];
}

export interface KubernetesJobSpec {
  parallelism?: number;
  completions?: number;
  completionMode?: string;
  activeDeadlineSeconds?: number;
  backoffLimit?: number;
  podFailurePolicy?: { rules?: PodFailureRule[] };
  ttlSecondsAfterFinished?: number;
  template?: { metadata?: Metadata; spec?: PodSpec };
}

export interface PodFailureRule {
  action?: string;
  onPodConditions?: { type?: string; status?: string }[];
  onExitCodes?: { containerName?: string | null; operator?: string; values?: number[] };
}

export interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  restartPolicy?: string;
  terminationGracePeriodSeconds?: number;
}

export interface Container {
  name?: string;
  image?: string;
  command?: string[] | null;
  args?: string[] | null;
  env?: EnvVar[];
  envFrom?: Record<string, unknown>[];
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: Record<string, unknown>;
}

export function newFindings(): Findings {
  return { notes: [], problems: [] };
}

/** Notes each non-empty field that the conversion does not know. */
export function noteUnknownFields(
  findings: Findings,
  where: string,
  object: object,
  known: readonly string[],
): void {
  for (const [key, value] of Object.entries(object)) {
    if (known.includes(key) || isEmpty(value)) continue;
    findings.notes.push(`${where}.${key} has no place in an LshJob and was left out.`);
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (isMapping(value) && Object.keys(value).length === 0);
}

/** Clamps the number to the bounds of an LshJob field, and notes a change. */
export function clamp(
  { notes }: Findings,
  field: string,
  value: number,
  [min, max]: readonly [number, number],
): number {
  const clamped = Math.min(max, Math.max(min, value));
  if (clamped !== value)
    notes.push(`${field}: ${value} became ${clamped}; an LshJob takes ${min} to ${max}.`);
  return clamped;
}
