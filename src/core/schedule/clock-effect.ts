// A schedule after steps of the wall clock: intervals go on from a moved anchor, and no slot before a floor comes back.
import type { ClockEffect } from '../job.ts';
import { countUnion, nextOf, previousOf, type Slots, type Source } from './source.ts';

/** The effect of no step. */
export const NO_EFFECT: ClockEffect = {
  shiftMs: 0,
  intervalsAfter: 0,
  startsAfter: 0,
  wildcardsAfter: 0,
  fixedAfter: 0,
  pass: 1,
  passUntil: 0,
};

/** Which time the clock passes the slot; undefined for the first. */
export function passOf(effect: ClockEffect | undefined, slot: number): number | undefined {
  return effect !== undefined && slot <= effect.passUntil && effect.pass > 1 ? effect.pass : undefined;
}

/** A source and the first second at which it has slots. */
interface Bounded {
  source: Source;
  first: number;
}

/** The slots of the sources in [first, last] (seconds), as the effect leaves them. */
export function scheduleUnder(
  effect: ClockEffect,
  sources: readonly Source[],
  [first, last]: readonly [number, number],
): Slots {
  const bounded = sources.flatMap((source) => boundedParts(source, effect));
  return {
    next(after) {
      const from = Math.max(first, Math.floor(after / 1000) + 1);
      const slot = Math.min(...bounded.map((part) => nextOf(part.source, Math.max(from, part.first))));
      return slot <= last ? slot * 1000 : undefined;
    },
    previous(atOrBefore, after) {
      const since = Math.max(first, Math.floor(after / 1000) + 1);
      const until = Math.min(last, Math.floor(atOrBefore / 1000));
      const slot = Math.max(
        ...bounded.map((part) => previousOf(part.source, until, Math.max(since, part.first))),
      );
      return slot >= since ? slot * 1000 : undefined;
    },
    count(after, until) {
      const from = Math.max(first, Math.floor(after / 1000) + 1);
      return countParts(bounded, from, Math.min(last, Math.floor(until / 1000)));
    },
  };
}

function boundedParts(source: Source, effect: ClockEffect): Bounded[] {
  const afterMs = (ms: number) => Math.floor(ms / 1000) + 1;
  const { shiftMs, intervalsAfter, startsAfter, wildcardsAfter, fixedAfter } = effect;
  switch (source.kind) {
    case 'every':
      return [{ source: { ...source, base: source.base + shiftMs / 1000 }, first: afterMs(intervalsAfter) }];
    case 'once':
      return [{ source, first: afterMs(startsAfter) }];
    case 'at':
      return [{ source, first: afterMs(fixedAfter) }];
    case 'cron': {
      const part = (realTime: boolean, first: number): Bounded[] => {
        const patterns = source.patterns.filter((pattern) => pattern.realTime === realTime);
        return patterns.length === 0 ? [] : [{ source: { ...source, patterns }, first }];
      };
      return [...part(true, afterMs(wildcardsAfter)), ...part(false, afterMs(fixedAfter))];
    }
  }
}

/** Between two floors the same sources have slots, so each stretch between them is counted as a union. */
function countParts(bounded: readonly Bounded[], from: number, to: number): number {
  const inside = bounded.map(({ first }) => first).filter((first) => first > from && first <= to);
  const starts = [...new Set([from, ...inside])].sort((a, b) => a - b);
  return starts.reduce((sum, start, i) => {
    const active = bounded.filter(({ first }) => first <= start).map(({ source }) => source);
    return sum + countUnion(joined(active), start, (starts[i + 1] ?? to + 1) - 1);
  }, 0);
}

/** A union takes the patterns as one source. */
function joined(sources: readonly Source[]): Source[] {
  const crons = sources.filter((source) => source.kind === 'cron');
  const [cron] = crons;
  if (cron === undefined) return [...sources];
  const patterns = crons.flatMap((source) => source.patterns);
  return [...sources.filter(({ kind }) => kind !== 'cron'), { ...cron, patterns }];
}
