// The zone of this machine, for jobs that name none. Asked when needed: the first Intl object of a process costs
// more than opening the database, and memory for as long as the process lives.
import { readlinkSync } from 'node:fs';

const UTC = /^(?:.*\/)?(?:UTC|Etc\/UTC)$/;

/**
 * IANA name; UTC where the system's setting names no zone, such as TZ=":/etc/localtime". `tz` is the variable TZ
 * where it is set.
 */
export function hostTimeZone(tz?: string): string {
  if (UTC.test(tz ?? systemSetting())) return 'UTC';
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions() as { timeZone?: string };
  return timeZone === undefined || timeZone === 'Etc/Unknown' ? 'UTC' : timeZone;
}

/** Where the link of the system's zone leads; empty where there is no such link. */
function systemSetting(): string {
  try {
    return readlinkSync('/etc/localtime');
  } catch {
    // A copy instead of a link, or nothing: Intl has its own ways to find out.
    return '';
  }
}
