// Changes of an environment for people: names and kinds of change, never a value.
import type { KeyChange } from '../../../contracts/secret-store.ts';
import type { Paint } from '../../output/table.ts';

const SIGNS = { added: '+', changed: '~', blanked: '∅', removed: '-' } as const;
const STYLES = { added: 'good', changed: 'warn', blanked: 'bad', removed: 'bad' } as const;

/** `  + API_KEY`, one line for each. */
export function changeLines(changes: readonly KeyChange[], paint: Paint): string[] {
  return changes.map(
    ({ key, kind }) =>
      `  ${paint(STYLES[kind], `${SIGNS[kind]} ${key}`)}${kind === 'blanked' ? ' (now empty)' : ''}`,
  );
}

/** Shows of a value only that there is one: its length would tell too much. */
export function masked(value: string): string {
  return value === '' ? '' : '********';
}
