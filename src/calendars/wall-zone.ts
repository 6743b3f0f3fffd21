// The zone in which an iCalendar event tells its time: none, one that its file defines, or one by its IANA name.
import ICAL from 'ical.js';
import { checkTimeZone } from '../core/schedule/zone/zone-name.ts';
import { zoneNamed, zoneOffset, type Zone } from '../core/schedule/zone/zone.ts';

/** `floating`: days and times of whatever zone reads them. `own`: the library knows the instant. */
export type WallZone = 'floating' | 'own' | Zone;

/** Throws an Error for a zone that neither the file nor IANA defines. */
export function zoneOf(start: ICAL.Time, tzid: string | undefined): WallZone {
  if (start.isDate) return 'floating';
  if (start.zone !== ICAL.Timezone.localTimezone) return 'own';
  if (tzid === undefined) return 'floating';
  try {
    checkTimeZone(tzid);
  } catch (error) {
    throw new Error(`the file does not define its time zone "${tzid}"`, { cause: error });
  }
  return zoneNamed(tzid);
}

/** Seconds since the epoch. */
export function instantOf(time: ICAL.Time, zone: 'own' | Zone): number {
  if (zone === 'own') return time.toUnixTime();
  const wall = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second) / 1000;
  const near = wall - zoneOffset(zone, wall);
  return wall - zoneOffset(zone, near);
}
