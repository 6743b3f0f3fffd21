// The flags --not-before, --not-after, --resume-at and --at: as people type them, into RFC 3339.
import { loadConfig } from '../../config.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import { hostTimeZone } from '../../local/host-time-zone.ts';
import { platformOf, type Context } from '../context.ts';
import type { SpecFlags } from './spec-from-flags.ts';

/** The flags with all four as RFC 3339, read in the zone of the schedule. Throws USAGE. */
export async function withBounds<T extends SpecFlags>(context: Context, flags: T): Promise<T> {
  const { notBefore, notAfter, resumeAt, at, tz } = flags;
  if ([notBefore, notAfter, resumeAt, at].every((instant) => instant === undefined)) return flags;
  const { readInstant } = await import('./instant.ts');
  const { zonedInstant } = await import('../../core/schedule/zone/zoned-instant.ts');
  const isCluster = platformOf(context) === 'cluster';
  const timeZone = tz ?? (isCluster ? 'UTC' : hostTimeZone(loadConfig().tz));
  const read = (text: string, flag: string) =>
    rfc3339(readInstant(text, { flag, now: context.io.now(), timeZone, towards: 'future' }));
  /** A job runs at a whole second, and not before the time that was asked for. */
  const once = (text: string) => {
    const ms = readInstant(text, { flag: '--at', now: context.io.now(), timeZone, towards: 'future' });
    return zonedInstant(Math.ceil(ms / 1000) * 1000, timeZone);
  };
  return {
    ...flags,
    ...(at !== undefined && { at: once(at) }),
    ...(notBefore !== undefined && { notBefore: read(notBefore, '--not-before') }),
    ...(notAfter !== undefined && { notAfter: read(notAfter, '--not-after') }),
    ...(resumeAt !== undefined && { resumeAt: read(resumeAt, '--resume-at') }),
  };
}
