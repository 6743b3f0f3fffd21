// Values as YAML. A file of its own, so that only what needs YAML loads it.
import { stringify } from 'yaml';

/** One document, long lines left whole. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
