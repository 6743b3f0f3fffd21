// An LshJob object of the API server as the documents that people see. Pure.
import * as v from 'valibot';
import { jobDocument, type JobDocument } from '../../core/document.ts';
import { JobSpecSchema, type CheckedSpec, type Job } from '../../core/job.ts';
import { CLUSTER_DEFAULTS, withPlatformDefaults } from '../../core/validate/defaults.ts';
import { readLshJob, readRuns, type LshJob } from './lsh-job.ts';

/** The job behind the object with its spec as it stands there: also one that will not be carried out. */
export function shownJob(object: LshJob): Job {
  // The server checked its shape, by the definition that is made from this schema; it puts the fields in their order.
  const { success, output } = v.safeParse(JobSpecSchema, object.spec);
  const checked = success ? output : (object.spec as CheckedSpec);
  return { ...readLshJob(object).job, spec: withPlatformDefaults(checked, 'cluster', CLUSTER_DEFAULTS) };
}

/** The object as every command shows it. */
export function documentOf(object: LshJob): JobDocument {
  return jobDocument(shownJob(object), readRuns(object));
}
