// The slots of cron patterns in a zone: wall time mapped to instants, in whole seconds since the epoch.
//
// A clock change treats two kinds of schedule differently. Fixed hours (`30 2 * * *`) mean the wall clock: all
// times inside a gap run once together, at the first instant after it (where a regular slot may already be), and
// a time inside an overlap runs in the first pass only. An hour field that is `*`, has a step or names all 24 hours
// means elapsed time: the job runs at every instant whose wall clock matches, so never inside a gap and in both
// passes of an overlap.
import type { Pattern } from './expression/pattern.ts';
import { nextWall, previousWall } from './wall.ts';
import { nextSlotOf, wallCounter, type Interval } from './wall-count.ts';
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
    // After an overlap, fixed hours wait until the wall clock passes where it stood before the change.
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
    const firstNew = start + (pattern.realTime ? offset : Math.max(offset, before));
    if (wall >= firstNew) return wall - offset >= since ? wall - offset : -Infinity;
    if (start >= since && runsAfterGap(pattern, zone, segment)) return start;
    at = start - 1;
  }
  return -Infinity;
}

/** How many instants in [from, to] are slots of any of the patterns or intervals; costs O(days). */
export function countInstants(
  { patterns, intervals }: { patterns: readonly Pattern[]; intervals: readonly Interval[] },
  zone: Zone,
  from: number,
  to: number,
): number {
  const countAll = wallCounter(patterns);
  const countRealTime = wallCounter(patterns.filter((pattern) => pattern.realTime));
  let total = 0;
  for (let at = from; at <= to;) {
    const segment = segmentAt(zone, at);
    const start = zone.starts[segment]!;
    const offset = zone.offsets[segment]!;
    const end = segmentEnd(zone, segment);
    const last = Math.min(to, end - 1);
    const onWall = intervals.map(({ base, seconds }) => ({ base: base + offset, seconds }));
    // In the second pass of an overlap, only patterns in real time have slots.
    const secondPassEnd = start + Math.max(0, offsetBefore(zone, segment) - offset);
    const isOfInterval = intervals.some((interval) => nextSlotOf(interval, start) === start);
    if (at === start && !isOfInterval && addsGapRun(patterns, zone, segment)) total++;
    total += countRealTime(at + offset, Math.min(last, secondPassEnd - 1) + offset, onWall);
    total += countAll(Math.max(at, secondPassEnd) + offset, last + offset, onWall);
    at = end;
  }
  return total;
}

/** Whether the segment begins with a gap that skips times of the pattern, so that it runs at the segment’s start. */
export function runsAfterGap(pattern: Pattern, zone: Zone, segment: number): boolean {
  const start = zone.starts[segment]!;
  const offset = zone.offsets[segment]!;
  const before = offsetBefore(zone, segment);
  return !pattern.realTime && offset > before && nextWall(pattern, start + before) < start + offset;
}

/** Whether a gap adds a slot at the segment’s start: no pattern has a regular slot there. */
function addsGapRun(patterns: readonly Pattern[], zone: Zone, segment: number): boolean {
  const wall = zone.starts[segment]! + zone.offsets[segment]!;
  return (
    patterns.some((pattern) => runsAfterGap(pattern, zone, segment)) &&
    !patterns.some((pattern) => nextWall(pattern, wall) === wall)
  );
}
