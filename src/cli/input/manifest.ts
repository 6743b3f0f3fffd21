// Turns the document of a job back into the manifest that a user would write.
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { JobDocument } from '../../core/document.ts';
import type { Platform } from '../../core/executor.ts';
import { API_VERSION, KIND } from '../../core/api-version.ts';
import type { JobManifest } from '../../core/job.ts';
import { JobSpecSchema, type JobSpec } from '../../core/spec/job-spec.ts';
import { withPlatformDefaults } from '../../core/validate/defaults.ts';

const SCHEMA_DEFAULTS: Partial<JobSpec> = v.parse(JobSpecSchema, {});
/** Keeps the zone in every manifest: the default differs between machines. */
const NO_TIME_ZONE = { timeZone: '' };

const FIELDS = Object.keys(JobSpecSchema.entries) as (keyof JobSpec)[];

/** The value of the field if the spec did not name it. */
function defaultOf(field: keyof JobSpec, spec: JobSpec, platform: Platform): unknown {
  const unnamed = { ...spec, [field]: SCHEMA_DEFAULTS[field] };
  return withPlatformDefaults(unnamed, platform, NO_TIME_ZONE)[field];
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The part of the value that differs from the default: of mappings, the fields that differ. */
function difference(value: unknown, fallback: unknown): unknown {
  if (isDeepStrictEqual(value, fallback)) return undefined;
  if (!isMapping(value) || !isMapping(fallback)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key, part]) => !isDeepStrictEqual(part, fallback[key])),
  );
}

/** The fields that differ from their defaults, in the order of the reference page. */
function withoutDefaults(spec: JobSpec, platform: Platform): JobManifest['spec'] {
  const fields = FIELDS.map((field) => [field, difference(spec[field], defaultOf(field, spec, platform))]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

/** The same fields, in the order of the reference page. */
export function inFieldOrder(spec: JobManifest['spec']): JobManifest['spec'] {
  const fields = FIELDS.map((field) => [field, spec[field]]);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}

interface ManifestSource {
  metadata: Pick<JobDocument['metadata'], 'name' | 'namespace' | 'labels' | 'annotations'>;
  spec: JobSpec;
}

/** The manifest that gives the same job again on its platform: without status, server fields and defaults. */
export function manifestOf({ metadata, spec }: ManifestSource, platform: Platform): JobManifest {
  const { name, namespace, labels, annotations } = metadata;
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: {
      name,
      ...(platform === 'cluster' && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    spec: withoutDefaults(spec, platform),
  };
}
