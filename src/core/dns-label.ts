// Names of jobs: DNS labels, so that the same name works locally and as a Kubernetes object.
import { NAME_MAX_LENGTH } from './job.ts';

/** What is wrong with a job name, to be read after its field path; undefined when it is fine. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'must not be empty';
  if (name.length > NAME_MAX_LENGTH) {
    return `must have at most ${NAME_MAX_LENGTH} characters; it has ${name.length}`;
  }
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) return undefined;
  const better = toName(name);
  const advice = better === '' ? '' : `; "${better}" would do`;
  return `must be lower-case letters, digits and hyphens, with a letter or digit at both ends${advice}`;
}

/** The text as a job name of at most `max` characters; empty when nothing of it can stay. */
export function toName(text: string, max = NAME_MAX_LENGTH): string {
  return text
    .slice(0, 4 * max)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, max)
    .replace(/-$/, '');
}
