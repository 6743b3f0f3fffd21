// Sources of slots: cron patterns in a zone, a fixed interval, or one instant. All numbers are whole seconds since
// the epoch; Infinity and -Infinity stand for "no such slot". Plain data, so that 100,000 schedules stay small.
import { countInstants, HORIZON, nextInstant, previousInstant } from './cron-slots.ts';
import type { Pattern } from './expression/pattern.ts';
import type { Zone } from './zone/zone.ts';

export type Source =
  | { kind: 'cron'; patterns: readonly Pattern[]; zone: Zone }
  /** base + k * seconds, k >= 1. */
  | { kind: 'every'; base: number; seconds: number }
  | { kind: 'once'; at: number };

/** First slot at or after `from`. */
export function nextOf(source: Source, from: number): number {
  switch (source.kind) {
    case 'cron': {
      const { patterns, zone } = source;
      let first = Infinity;
      for (const pattern of patterns) first = Math.min(first, nextInstant(pattern, zone, from));
      return first;
    }
    case 'every': {
      const slot =
        source.base + Math.max(1, Math.ceil((from - source.base) / source.seconds)) * source.seconds;
      return slot < HORIZON ? slot : Infinity;
    }
    case 'once':
      return source.at >= from ? source.at : Infinity;
  }
}

/** Last slot in [since, until]. */
export function previousOf(source: Source, until: number, since: number): number {
  switch (source.kind) {
    case 'cron': {
      let last = -Infinity;
      for (const pattern of source.patterns) {
        last = Math.max(last, previousInstant(pattern, source.zone, until, since));
      }
      return last;
    }
    case 'every': {
      const steps = Math.floor((until - source.base) / source.seconds);
      const slot = source.base + steps * source.seconds;
      return steps >= 1 && slot >= since ? slot : -Infinity;
    }
    case 'once':
      return source.at <= until && source.at >= since ? source.at : -Infinity;
  }
}

/** How many slots lie in [from, to]. */
function countOf(source: Source, from: number, to: number): number {
  if (source.kind === 'cron') return countInstants(source.patterns, source.zone, from, to);
  const first = nextOf(source, from);
  if (first > to) return 0;
  return source.kind === 'once' ? 1 : Math.floor((to - first) / source.seconds) + 1;
}

/**
 * How many instants in [from, to] are slots of any source. Cron patterns count as one source and cost
 * O(days); only beside `@every` are slots visited, those of the sparser sources.
 */
export function countUnion(sources: readonly Source[], from: number, to: number): number {
  if (sources.length === 1) return countOf(sources[0]!, from, to);
  const counted = sources.map((source) => ({ source, count: countOf(source, from, to) }));
  counted.sort((a, b) => b.count - a.count);
  const denser: Source[] = [];
  let total = 0;
  for (const { source, count } of counted) {
    total += count - shared(source, denser, from, to);
    denser.push(source);
  }
  return total;
}

function shared(source: Source, others: readonly Source[], from: number, to: number): number {
  if (others.length === 0) return 0;
  let total = 0;
  for (let slot = nextOf(source, from); slot <= to; slot = nextOf(source, slot + 1)) {
    if (others.some((other) => nextOf(other, slot) === slot)) total++;
  }
  return total;
}
