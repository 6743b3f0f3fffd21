// From what a platform shows of a job back to what a person would write for it.
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { JobDocument } from '../../core/document.ts';
import type { Platform } from '../../core/executor.ts';
import { API_VERSION, JobSpecSchema, KIND, type JobManifest, type JobSpec } from '../../core/job.ts';
import { withPlatformDefaults } from '../../core/validate/defaults.ts';

const SCHEMA_DEFAULTS: Partial<JobSpec> = v.parse(JobSpecSchema, {});
/** No zone is left out as the default: it differs from machine to machine. */
const NO_TIME_ZONE = { timeZone: '' };

const FIELDS = Object.keys(JobSpecSchema.entries) as (keyof JobSpec)[];

/** What the field is in a spec that is the same but does not name it. */
function defaultOf(field: keyof JobSpec, spec: JobSpec, platform: Platform): unknown {
  const unnamed = { ...spec, [field]: SCHEMA_DEFAULTS[field] };
  return withPlatformDefaults(unnamed, platform, NO_TIME_ZONE)[field];
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What of the value differs from the default, by field where both are mappings; undefined where nothing does. */
function difference(value: unknown, standard: unknown): unknown {
  if (isDeepStrictEqual(value, standard)) return undefined;
  if (!isMapping(value) || !isMapping(standard)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key, part]) => !isDeepStrictEqual(part, standard[key])),
  );
}

/** The fields that differ from their defaults, in the order of the reference page. */
function withoutDefaults(spec: JobSpec, platform: Platform): JobManifest['spec'] {
  const fields = FIELDS.map((field) => [field, difference(spec[field], defaultOf(field, spec, platform))]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

/** The document that gives the same job again on its platform: no status, nothing a server sets, no defaults. */
export function manifestOf({ metadata, spec }: JobDocument, platform: Platform): JobManifest {
  const { name, namespace } = metadata;
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name, ...(platform === 'cluster' && { namespace }) },
    spec: withoutDefaults(spec, platform),
  };
}
