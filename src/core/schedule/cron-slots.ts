// The slots of cron patterns in a zone: wall time mapped to instants, in whole seconds since the epoch.
//
// A clock change splits schedules in two kinds. One with fixed hours (`30 2 * * *`) means the wall clock: a
// time that the change skips runs once at the first instant after it (however many such times there are, and
// together with a slot that is regularly there), and a time that happens twice runs the first time only. One
// whose hour field is `*`, has a step or names all 24 hours means the passing of time: it runs at every
// instant whose wall clock matches, so twice in a repeated hour and not at all in a skipped one.
import type { Pattern } from './expression/pattern.ts';
import { nextWall, previousWall } from './wall.ts';
import { countWall } from './wall-count.ts';
import { offsetBefore, segmentAt, segmentEnd, type Zone } from './zone/zone.ts';

/** No slot lies outside [0, HORIZON): 1970 to the end of 2199. */
export const HORIZON = 7_258_118_400;

/** First slot of one pattern at or after the instant; Infinity when there is none before the horizon. */
export function nextInstant(pattern: Pattern, zone: Zone, from: number): number {
  for (let at = from; at < HORIZON;) {
    const segment = segmentAt(zone, at);
    const start = zone.starts[segment]!;
    const offset = zone.offsets[segment]!;
    const before = offsetBefore(zone, segment);
    if (at === start && runsAfterGap(pattern, zone, segment)) return at;
    // The wall clock shows nothing new until it has passed where it stood before the change.
    const wall = pattern.realTime ? at + offset : Math.max(at + offset, start + before);
    const instant = nextWall(pattern, wall) - offset;
    const end = segmentEnd(zone, segment);
    if (instant < end) return instant < HORIZON ? instant : Infinity;
    at = end;
  }
  return Infinity;
}

/** Last slot of one pattern in [since, until]; -Infinity when there is none. */
export function previousInstant(pattern: Pattern, zone: Zone, until: number, since: number): number {
  for (let at = until; at >= since;) {
    const segment = segmentAt(zone, at);
    const start = zone.starts[segment]!;
    const offset = zone.offsets[segment]!;
    const before = offsetBefore(zone, segment);
    const wall = previousWall(pattern, at + offset);
    const fresh = start + (pattern.realTime ? offset : Math.max(offset, before));
    if (wall >= fresh) return wall - offset >= since ? wall - offset : -Infinity;
    if (start >= since && runsAfterGap(pattern, zone, segment)) return start;
    at = start - 1;
  }
  return -Infinity;
}

/** How many instants in [from, to] are slots of any of the patterns; costs O(days). */
export function countInstants(patterns: readonly Pattern[], zone: Zone, from: number, to: number): number {
  const realTime = patterns.filter((pattern) => pattern.realTime);
  let total = 0;
  for (let at = from; at <= to;) {
    const segment = segmentAt(zone, at);
    const start = zone.starts[segment]!;
    const offset = zone.offsets[segment]!;
    const end = segmentEnd(zone, segment);
    const last = Math.min(to, end - 1);
    const fresh = start + Math.max(0, offsetBefore(zone, segment) - offset);
    if (at === start && startsWithGapRun(patterns, zone, segment)) total++;
    total += countWall(realTime, at + offset, Math.min(last, fresh - 1) + offset);
    total += countWall(patterns, Math.max(at, fresh) + offset, last + offset);
    at = end;
  }
  return total;
}

/** Whether the segment begins with a gap that swallowed slots of the pattern. */
export function runsAfterGap(pattern: Pattern, zone: Zone, segment: number): boolean {
  const start = zone.starts[segment]!;
  const offset = zone.offsets[segment]!;
  const before = offsetBefore(zone, segment);
  return !pattern.realTime && offset > before && nextWall(pattern, start + before) < start + offset;
}

/** The same for several patterns, where none has a slot of its own at that instant. */
function startsWithGapRun(patterns: readonly Pattern[], zone: Zone, segment: number): boolean {
  const wall = zone.starts[segment]! + zone.offsets[segment]!;
  return (
    patterns.some((pattern) => runsAfterGap(pattern, zone, segment)) &&
    !patterns.some((pattern) => nextWall(pattern, wall) === wall)
  );
}
