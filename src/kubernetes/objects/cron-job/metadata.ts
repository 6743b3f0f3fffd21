// Converts name, labels and annotations, without the marks by which a deployment tool would claim the new object.
import { nameProblem, toName } from '../../../core/dns-label.ts';
import { IMPORTED_FROM_ANNOTATION } from '../../../core/import/origin.ts';
import type { JobManifest } from '../../../core/job.ts';
import { TOOL_MARKS } from '../inherited-metadata.ts';
import type { Metadata, Findings } from './findings.ts';

/** The metadata of the LshJob, marked with its source. */
export function convertMetadata(
  findings: Findings,
  metadata: Metadata,
  { source, prefix }: { source: string; prefix: string },
): JobManifest['metadata'] {
  const { namespace, name = '' } = metadata;
  noteOwnership(findings, metadata);
  const labels = withoutToolMarks(findings, 'labels', metadata.labels);
  const annotations = withoutToolMarks(findings, 'annotations', metadata.annotations);
  return {
    name: convertName(findings, name, prefix),
    ...(namespace !== undefined && { namespace }),
    ...(labels && { labels }),
    annotations: { ...annotations, [IMPORTED_FROM_ANNOTATION]: source },
  };
}

/** Finalizers and owners act on the CronJob alone. */
function noteOwnership({ notes }: Findings, { finalizers = [], ownerReferences = [] }: Metadata): void {
  if (finalizers.length > 0) {
    notes.push(`metadata.finalizers: ${finalizers.join(', ')} guard the CronJob and were left out.`);
  }
  for (const { kind, name } of ownerReferences) {
    notes.push(
      `metadata.ownerReferences: ${kind} "${name}" owns the CronJob and may change or delete it; it does not own the LshJob.`,
    );
  }
}

/** Adds the prefix, and replaces the dots that a CronJob’s name may have. */
function convertName({ notes }: Findings, name: string, prefix: string): string {
  const prefixed = `${prefix}${name}`;
  const converted = nameProblem(prefixed) === undefined ? prefixed : toName(prefixed);
  if (converted !== name) notes.push(`metadata.name: ${name} became ${converted}.`);
  return converted;
}

function withoutToolMarks(
  { notes }: Findings,
  field: string,
  map: Record<string, string> = {},
): Record<string, string> | undefined {
  const kept = Object.entries(map).filter(([key]) => !TOOL_MARKS.some((mark) => mark.test(key)));
  const dropped = Object.keys(map).filter((key) => TOOL_MARKS.slice(1).some((mark) => mark.test(key)));
  if (dropped.length > 0) {
    notes.push(
      `metadata.${field}: ${dropped.join(', ')} belong to the tool that manages the CronJob and were left out.`,
    );
  }
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
