// The civil days of a zone as stretches of instants. Days are numbers from 1970-01-01, instants are seconds since the
// epoch. A day has 23 to 25 hours where the clock changes, and a clock that goes back over midnight shows a day twice.
import { DAY_SECONDS } from '../calendar.ts';
import { segmentAt, segmentEnd, zoneOffset, type Zone } from '../zone/zone.ts';

/** The day that the clock of the zone shows at the instant. */
export function dayAt(zone: Zone, instant: number): number {
  return Math.floor((instant + zoneOffset(zone, instant)) / DAY_SECONDS);
}

/** First instant after `instant` at which the clock shows another day. */
export function dayEnd(zone: Zone, instant: number): number {
  const day = dayAt(zone, instant);
  for (let at = instant; ;) {
    const segment = segmentAt(zone, at);
    const midnight = (day + 1) * DAY_SECONDS - zone.offsets[segment]!;
    const change = segmentEnd(zone, segment);
    if (midnight < change) return midnight;
    if (dayAt(zone, change) !== day) return change;
    at = change;
  }
}

/** First instant since which the clock has shown the day of `instant`. */
export function dayStart(zone: Zone, instant: number): number {
  const day = dayAt(zone, instant);
  for (let at = instant; ;) {
    const segment = segmentAt(zone, at);
    const midnight = day * DAY_SECONDS - zone.offsets[segment]!;
    const change = zone.starts[segment]!;
    if (midnight > change) return midnight;
    if (dayAt(zone, change - 1) !== day) return change;
    at = change - 1;
  }
}
