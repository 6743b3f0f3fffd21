// A step of the clock in words.
import { formatDuration } from '../../core/duration.ts';
import type { DaemonStatus } from '../../local/socket/protocol.ts';
import { calendar } from './when.ts';

/** `set back 10m, from Sun 2026-03-01 12:10 to 12:00`. */
export function clockStepText({ at, to, whileAway }: DaemonStatus['clockSteps'][number]): string {
  const [from, until] = [Date.parse(at), Date.parse(to)];
  const direction = until > from ? 'ahead' : 'back';
  const away = whileAway ? ', while the daemon did not run' : '';
  return `set ${direction} ${formatDuration(Math.abs(until - from))}, from ${calendar(from)} to ${calendar(until)}${away}`;
}
