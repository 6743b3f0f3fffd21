// Values as YAML. A separate file, so that only commands that print YAML load the library.
import { stringify } from 'yaml';

/** One document; long lines stay whole. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
