// An LshJob object of the API server as the documents that people see. Pure.
import * as v from 'valibot';
import { jobDocument, type JobDocument } from '../../core/document.ts';
import { JobSpecSchema, type Job, type JobSpec } from '../../core/job.ts';
import { withPlatformDefaults, type ResolvedSpec } from '../../core/validate/validate.ts';
import { readLshJob, readRuns, type LshJob } from './lsh-job.ts';

/** What a job that says nothing else has in a cluster. */
export const CLUSTER_DEFAULTS = { timeZone: 'UTC' };

/** The job behind the object with its spec as it stands there: also one that will not be carried out. */
export function shownJob(object: LshJob): Job & { spec: ResolvedSpec } {
  // The server checked its shape, by the definition that is made from this schema; it puts the fields in their order.
  const { success, output } = v.safeParse(JobSpecSchema, object.spec);
  const spec = withPlatformDefaults(success ? output : (object.spec as JobSpec), 'cluster', CLUSTER_DEFAULTS);
  return { ...readLshJob(object).job, spec };
}

/** The object as every command shows it. */
export function documentOf(object: LshJob): JobDocument {
  return jobDocument(shownJob(object), readRuns(object));
}
