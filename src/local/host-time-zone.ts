// The time zone of this machine, for jobs without a timeZone. Read on demand: the first Intl object of a process costs
// more time than opening the database, and memory until the process ends.
import { readlinkSync } from 'node:fs';

const UTC = /^(?:.*\/)?(?:UTC|Etc\/UTC)$/;

/**
 * IANA name; UTC when the system's setting names no zone, such as TZ=":/etc/localtime". `tz` is the variable TZ.
 */
export function hostTimeZone(tz: string | undefined): string {
  if (UTC.test(tz ?? systemSetting())) return 'UTC';
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions() as { timeZone?: string };
  return timeZone === undefined || timeZone === 'Etc/Unknown' ? 'UTC' : timeZone;
}

/** Target of the link /etc/localtime; empty without one. */
function systemSetting(): string {
  try {
    return readlinkSync('/etc/localtime');
  } catch {
    // /etc/localtime is a copy or missing: Intl finds the zone by other means.
    return '';
  }
}
