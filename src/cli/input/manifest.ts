// From what a platform shows of a job back to what a person would write for it.
import * as v from 'valibot';
import type { JobDocument } from '../../core/document.ts';
import type { Platform } from '../../core/executor.ts';
import { API_VERSION, JobSpecSchema, KIND, type JobManifest } from '../../core/job.ts';

/** The zone is said always, because it differs from machine to machine. */
const COMMON = v.parse(JobSpecSchema, {});
const DEFAULTS: Record<Platform, Record<string, unknown>> = {
  local: { ...COMMON, executor: 'Shell', captureOutput: true },
  cluster: { ...COMMON, executor: 'Job', captureOutput: true },
};

const FIELDS = Object.keys(JobSpecSchema.entries);

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields that differ from the defaults; blocks of fields likewise, and none where nothing is left. */
function withoutDefaults(fields: Record<string, unknown>, defaults: Record<string, unknown>): object {
  const kept = Object.entries(fields).flatMap(([key, value]): [string, unknown][] => {
    const standard = defaults[key];
    if (isMapping(value) && isMapping(standard)) {
      const rest = withoutDefaults(value, standard);
      return Object.keys(rest).length === 0 ? [] : [[key, rest]];
    }
    return JSON.stringify(value) === JSON.stringify(standard) ? [] : [[key, value]];
  });
  return Object.fromEntries(kept);
}

/** As the reference page lists the fields, however they came. */
function inOrder(spec: object): object {
  const order = ([key]: [string, unknown]) => FIELDS.indexOf(key);
  return Object.fromEntries(Object.entries(spec).sort((a, b) => order(a) - order(b)));
}

/** The document that gives the same job again in its platform: no status, nothing a server sets, no defaults. */
export function manifestOf({ metadata, spec }: JobDocument, platform: Platform): JobManifest {
  const { name, namespace } = metadata;
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name, ...(platform === 'cluster' && { namespace }) },
    spec: inOrder(withoutDefaults(spec, DEFAULTS[platform])),
  };
}
