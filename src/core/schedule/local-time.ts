// An instant as the clock on the wall of a zone shows it.
import { offsetText } from './explain.ts';
import { segmentAt, zoneNamed } from './zone/zone.ts';

/** RFC 3339 with the zone’s offset at that instant (milliseconds): `2026-11-29T02:00:00+01:00`. */
export function localRfc3339(ms: number, timeZone: string): string {
  const zone = zoneNamed(timeZone);
  const seconds = Math.floor(ms / 1000);
  const offset = zone.offsets[segmentAt(zone, seconds)] ?? 0;
  return new Date((seconds + offset) * 1000).toISOString().slice(0, 19) + offsetText(offset);
}
