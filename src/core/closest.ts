// "Did you mean …?": finds the known word nearest to a mistyped word.
import { ERRORS, LshError } from './errors.ts';

/** Returns the number of single-letter edits between two words. A swap of neighbours counts as one edit. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/** Returns the candidate that the user most likely meant, or undefined if none is near. Ignores case. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined;
  const typed = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = editDistance(typed, candidate.toLowerCase());
    if (edits < bestDistance) [best, bestDistance] = [candidate, edits];
  }
  return best;
}

/** JOB_NOT_FOUND, with the job that the user most likely meant. `names` are the jobs that exist. */
export function jobNotFound(name: string, names: Iterable<string>): LshError {
  const near = closest(name, names);
  const { hint } = ERRORS.JOB_NOT_FOUND;
  return new LshError(
    'JOB_NOT_FOUND',
    { name },
    near === undefined ? {} : { hint: `Did you mean ${near}? ${hint}` },
  );
}
