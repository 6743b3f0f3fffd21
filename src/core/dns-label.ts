// Job names are DNS labels, so the same name works in the daemon and as the name of a Kubernetes object.
import { NAME_MAX_LENGTH } from './spec/blocks.ts';

/** Returns the fault of a job name, as a predicate to follow its field path; undefined for a valid name. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (name.length > NAME_MAX_LENGTH) {
    return `must have at most ${NAME_MAX_LENGTH} characters; it has ${name.length}`;
  }
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) return undefined;
  const better = toName(name);
  const advice = better === '' ? '' : `; "${better}" would be valid`;
  return `must be lower-case letters, digits and hyphens, with a letter or digit at both ends${advice}`;
}

/** Converts the text to a job name of at most `max` characters; empty if no character can stay. */
export function toName(text: string, max = NAME_MAX_LENGTH): string {
  return text
    .slice(0, 4 * max)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, max)
    .replace(/-$/, '');
}
