// A change of a job as the team's history records it: the job as it is now, and who did what.
import type { Job } from '../job.ts';
import { LAST_APPLIED, specChanges } from '../validate/spec-changes.ts';
import type { AuditEntry, JobChange, JobEntry } from './entry.ts';

/** Without what the outbox adds: its place there. */
export type JobPayload = Omit<JobEntry, 'kind' | 'id' | 'revision'>;
export type AuditPayload = Omit<AuditEntry, 'kind' | 'id' | 'number'>;
/** What changes are about. */
export type JobShape = Pick<Job, 'spec' | 'labels' | 'annotations'>;

/** Undefined if the change leaves the definition as it is. */
export function jobPayload(job: Job, { action, at, actor }: JobChange): JobPayload | undefined {
  if (action === 'Triggered' || action === 'Stopped') return undefined;
  return {
    job: job.key,
    jobUid: job.uid,
    spec: withoutValues(job.spec) as object,
    labels: job.labels,
    annotations: withoutManifest(job.annotations),
    changedAt: at,
    changedBy: actor,
    isRemoved: action === 'Removed',
  };
}

export function auditPayload(job: Job, { action, at, actor, before }: JobChange): AuditPayload {
  const changes = before === undefined ? [] : specChanges(changeable(before), changeable(job));
  return { job: job.key, jobUid: job.uid, at, action, actor, changes };
}

/** Paused and Resumed if nothing else changes. */
export function changeAction(before: JobShape, after: JobShape): 'Configured' | 'Paused' | 'Resumed' {
  const changed = specChanges(changeable(before), changeable(after));
  if (changed.length !== 1 || changed[0]?.path !== 'suspend') return 'Configured';
  return after.spec.suspend ? 'Paused' : 'Resumed';
}

/** The fields whose changes are shown; those outside the spec keep their whole path. */
export function changeable({ spec, labels = {}, annotations = {} }: JobShape): object {
  return { ...spec, metadata: { labels, annotations } };
}

/** Of variables, wherever they stand, it keeps the names alone: a value may be a secret. */
function withoutValues(value: unknown, key = ''): unknown {
  if (Array.isArray(value))
    return value.map((item) => withoutValues(key === 'env' ? withoutValue(item) : item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutValues(part, name)]));
}

function withoutValue(variable: unknown): unknown {
  const { value, ...rest } = Object(variable) as Record<string, unknown>;
  return value === undefined ? variable : rest;
}

function withoutManifest(annotations: Job['annotations']): Job['annotations'] {
  if (annotations?.[LAST_APPLIED] === undefined) return annotations;
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== LAST_APPLIED));
}
