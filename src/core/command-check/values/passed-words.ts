// The words that xargs and parallel read from their input and pass on to a program.
import { MAX_WORDS, type Budget } from '../budget.ts';
import type { Flow } from '../invocation.ts';

const MAX_READ = 4096;

/** The arguments with the words from its input, in place of `{}` or behind the others. */
export function passedWords(
  args: readonly string[],
  { words: named, texts }: Flow,
  budget: Budget,
): string[] {
  const words = named.length > 0 ? named : texts.flatMap((text) => wordsOf(text, budget));
  const passed = words.join(' ');
  const placed = args.filter((arg) => arg.includes('{}')).length;
  budget.spendExpansion((passed.length + words.length) * Math.max(placed, 1));
  if (words.length === 0) return [...args];
  if (placed === 0) return [...args, ...words];
  return args.flatMap((arg) => (arg === '{}' ? words : [arg.replaceAll('{}', passed)]));
}

/** The first words of a text; many programs may read the same one. */
function wordsOf(text: string, budget: Budget): string[] {
  const start = text.slice(0, MAX_READ);
  budget.spend(start.length);
  return start.split(/\s+/, MAX_WORDS).filter((word) => word !== '');
}
