// Name, labels and annotations of a CronJob, without those by which another tool would take the new object for its own.
import { nameProblem, toName } from '../../../core/dns-label.ts';
import type { JobManifest } from '../../../core/job.ts';
import type { Metadata, Reading } from './reading.ts';

const OWNERS = [
  /^kubectl\.kubernetes\.io\/last-applied-configuration$/,
  /^app\.kubernetes\.io\/managed-by$/,
  /^(meta\.)?helm\.sh\//,
  /(^|\.)argoproj\.io\//,
  /\.toolkit\.fluxcd\.io\//,
];

/** The metadata of the LshJob. */
export function carriedMetadata(reading: Reading, metadata: Metadata): JobManifest['metadata'] {
  const { namespace } = metadata;
  const labels = carriedMap(reading, 'labels', metadata.labels);
  const annotations = carriedMap(reading, 'annotations', metadata.annotations);
  return {
    name: carriedName(reading, metadata.name ?? ''),
    ...(namespace !== undefined && { namespace }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
  };
}

/** A CronJob’s name may have dots. */
function carriedName({ notes }: Reading, name: string): string {
  const carried = nameProblem(name) === undefined ? name : toName(name);
  if (carried !== name) notes.push(`metadata.name: ${name} became ${carried}.`);
  return carried;
}

function carriedMap(
  { notes }: Reading,
  field: string,
  map: Record<string, string> = {},
): Record<string, string> | undefined {
  const carried = Object.entries(map).filter(([key]) => !OWNERS.some((owner) => owner.test(key)));
  const dropped = Object.keys(map).filter((key) => OWNERS.slice(1).some((owner) => owner.test(key)));
  if (dropped.length > 0) {
    notes.push(
      `metadata.${field}: ${dropped.join(', ')} belong to the tool that manages the CronJob and were left out.`,
    );
  }
  return carried.length === 0 ? undefined : Object.fromEntries(carried);
}
