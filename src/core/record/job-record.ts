// A change of a job as the team's history records it: the job as it is now, and who did what.
import type { Job } from '../job.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { maskedTexts } from '../redaction/masked.ts';
import { LAST_APPLIED, specChanges, type FieldChange } from '../validate/spec-changes.ts';
import type { AuditEntry, JobChange, JobEntry } from './entry.ts';
import { hiddenValues, isFreeText } from './hidden-values.ts';

/** Without what the outbox adds: its place there. */
export type JobPayload = Omit<JobEntry, 'kind' | 'id' | 'revision'>;
export type AuditPayload = Omit<AuditEntry, 'kind' | 'id' | 'number'>;
/** What changes are about. */
export type JobShape = Pick<Job, 'spec' | 'labels' | 'annotations'>;

/** Undefined if the change leaves the definition as it is. */
export function jobPayload(job: Job, { action, at, actor }: JobChange): JobPayload | undefined {
  if (action === 'Triggered' || action === 'Stopped') return undefined;
  const hidden = hiddenValues(job.spec);
  return {
    job: job.key,
    jobUid: job.uid,
    spec: recordedSpec(job.spec, hidden),
    labels: maskedTexts(job.labels, hidden),
    annotations: maskedTexts(withoutManifest(job.annotations), hidden),
    changedAt: at,
    changedBy: actor,
    isRemoved: action === 'Removed',
  };
}

export function auditPayload(job: Job, { action, at, actor, before }: JobChange): AuditPayload {
  const changes = before === undefined ? [] : maskedChanges(before, job);
  return { job: job.key, jobUid: job.uid, at, action, actor, changes };
}

/** A text may repeat a value that the variable had before, or has since. */
function maskedChanges(before: JobShape, after: JobShape): FieldChange[] {
  const hidden = [...hiddenValues(before.spec), ...hiddenValues(after.spec)];
  return specChanges(changeable(before), changeable(after)).map((change) =>
    isFreeText(change.path.split('.')[0]!) ? { ...maskedTexts(change, hidden), path: change.path } : change,
  );
}

/** Paused and Resumed if nothing else changes. */
export function changeAction(before: JobShape, after: JobShape): 'Configured' | 'Paused' | 'Resumed' {
  const changed = specChanges(changeable(before), changeable(after));
  const isOfSuspension = changed.every(({ path }) => path === 'suspend' || path === 'resumeAt');
  if (changed.length === 0 || !isOfSuspension) return 'Configured';
  return after.spec.suspend ? 'Paused' : 'Resumed';
}

/** The fields whose changes are shown; those outside the spec keep their whole path. */
export function changeable({ spec, labels = {}, annotations = {} }: JobShape): object {
  return { ...spec, metadata: { labels, annotations } };
}

/** The values of variables stay only in a job that says so: a value may be a secret. */
export function recordedSpec(spec: JobSpec, hidden: readonly string[] = hiddenValues(spec)): object {
  const shown = spec.recordEnv ? spec : (withoutValues(spec) as object);
  return Object.fromEntries(
    Object.entries(shown).map(([field, value]: [string, unknown]) => [
      field,
      isFreeText(field) ? maskedTexts(value, hidden) : value,
    ]),
  );
}

/** Of variables, wherever they stand, it keeps the names alone. */
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
