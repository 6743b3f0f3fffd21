// Instants in the sentences about a job: in the zone of the job, and with its offset, so that they can be pasted.
import { rfc3339 } from '../../rfc3339.ts';
import { zoneNamed, zoneOffset } from './zone.ts';

/** `2026-11-29T02:00:00+01:00` in whole seconds, `…Z` at the offset 0; of milliseconds or of RFC 3339. */
export function zonedInstant(instant: number | string, timeZone: string): string {
  const ms = typeof instant === 'number' ? instant : Date.parse(instant);
  if (Number.isNaN(ms)) return String(instant);
  const seconds = Math.floor(ms / 1000);
  const offset = zoneOffset(zoneNamed(timeZone), seconds);
  const wall = new Date((seconds + offset) * 1000);
  return offset === 0 ? rfc3339(seconds * 1000) : wall.toISOString().slice(0, 19) + offsetText(offset);
}

/** `-04:00` for an offset in seconds. */
export function offsetText(offset: number): string {
  const seconds = Math.abs(offset);
  const parts = [seconds / 3600, (seconds / 60) % 60, ...(seconds % 60 === 0 ? [] : [seconds % 60])];
  return (offset < 0 ? '-' : '+') + parts.map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
}
