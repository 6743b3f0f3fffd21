// Sources of slots: cron patterns in a zone, a fixed interval, or one instant. All numbers are whole seconds since
// the epoch; Infinity and -Infinity stand for "no such slot". Plain data, so that 100,000 schedules stay small.
import type { ClockEffect } from '../job.ts';
import { countInstants, HORIZON, nextInstant, previousInstant } from './cron-slots.ts';
import { nextSlotOf, type Interval } from './wall-count.ts';
import type { Pattern } from './expression/pattern.ts';
import { zoneNamed, type Zone } from './zone/zone.ts';

/** The slots of a schedule, milliseconds since the epoch. */
export interface Slots {
  /** First slot strictly after the instant; undefined when the schedule has ended. */
  next(after: number): number | undefined;
  /** Last slot at or before the instant and strictly after `after`. */
  previous(atOrBefore: number, after: number): number | undefined;
  /** How many slots lie in (after, until]; costs O(days), not O(slots). */
  count(after: number, until: number): number;
}

/** Slots that follow the steps of the wall clock. */
export interface SteppedSlots extends Slots {
  /** Whether a slot comes from an interval or from `@reboot`. */
  readonly hasIntervals: boolean;
  /** The slots after steps of the wall clock. */
  under(effect: ClockEffect | undefined): SteppedSlots;
}

export type Source =
  | { kind: 'cron'; patterns: readonly Pattern[]; zone: Zone }
  | ({ kind: 'every' } & Interval)
  /** A start of the machine or of the daemon: it moves when the clock is set. */
  | { kind: 'once'; at: number }
  /** A time on the clock. */
  | { kind: 'at'; at: number };

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
      const slot = nextSlotOf(source, from);
      return slot < HORIZON ? slot : Infinity;
    }
    case 'once':
    case 'at':
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
    case 'at':
      return source.at <= until && source.at >= since ? source.at : -Infinity;
  }
}

/**
 * How many instants in [from, to] are slots of any source. Costs O(days): an outage of years must not stop the daemon
 * while it counts the slots of `@every 1s`.
 */
export function countUnion(sources: readonly Source[], from: number, to: number): number {
  const cron = sources.find((source) => source.kind === 'cron');
  const intervals = withoutMultiples(sources.filter((source) => source.kind === 'every'));
  const repeating = sources.filter((source) => !isSingle(source));
  const starts = new Set(sources.flatMap((source) => (isSingle(source) ? [source.at] : [])));
  const once = [...starts].filter(
    (at) => at >= from && at <= to && !repeating.some((source) => nextOf(source, at) === at),
  );
  if (cron === undefined && intervals.length <= 1) return once.length + countEvery(intervals[0], from, to);
  const { patterns, zone } = cron ?? { patterns: [], zone: zoneNamed('UTC') };
  return once.length + countInstants({ patterns, intervals }, zone, from, to);
}

function isSingle(source: Source): source is Extract<Source, { at: number }> {
  return source.kind === 'once' || source.kind === 'at';
}

function countEvery(interval: Interval | undefined, from: number, to: number): number {
  if (interval === undefined) return 0;
  const first = nextSlotOf(interval, from);
  return first > to ? 0 : Math.floor((to - first) / interval.seconds) + 1;
}

/** All intervals of a job count from its creation, so a multiple of another interval adds no slots. */
function withoutMultiples(intervals: readonly Interval[]): Interval[] {
  return intervals.filter(
    ({ seconds }, index) =>
      !intervals.some(
        (other, place) =>
          place !== index && seconds % other.seconds === 0 && (seconds > other.seconds || place < index),
      ),
  );
}
