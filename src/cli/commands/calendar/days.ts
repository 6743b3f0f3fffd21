// The days of a calendar, as the zone of this machine sees them.
import { loadConfig } from '../../../config.ts';
import { dateOfDay } from '../../../core/schedule/days/dates.ts';
import { civilDays, type CalendarDays } from '../../../core/schedule/days/day-rules.ts';
import { zoneNamed } from '../../../core/schedule/zone/zone.ts';
import { hostTimeZone } from '../../../local/host-time-zone.ts';

/** The dates from the day of `now` (milliseconds) on, in order. */
export function comingDates(content: CalendarDays, now: number): string[] {
  const zone = zoneNamed(hostTimeZone(loadConfig().tz));
  const today = [...civilDays({ numbers: [], spans: [[now / 1000, now / 1000 + 1]] }, zone)][0] ?? 0;
  const days = [...civilDays(content, zone)].filter((day) => day >= today);
  return days.sort((a, b) => a - b).map(dateOfDay);
}
