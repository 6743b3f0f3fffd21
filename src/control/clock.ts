// The system’s clock and its timers, which survive a sleeping laptop and a corrected clock.
import { uptime } from 'node:os';
import type { Clock } from './ports.ts';

/**
 * Longest single timer, milliseconds. A long wait checks the wall clock after each slice, because setTimeout overflows
 * at 24.8 days and stops while a laptop sleeps.
 */
const SLICE_MS = 10_000;
/** A wall clock this many milliseconds behind the monotonic clock was set back. A smaller lag is slewing. */
const SET_BACK_MS = 1000;

/** `performance` would cost each start two milliseconds: Node loads a module for it. */
function monotonic(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic,
  uptime: () => uptime() * 1000,
  at(time, callback) {
    let timer: NodeJS.Timeout;
    const latest = monotonic() + Math.max(0, time - Date.now()) + SET_BACK_MS;
    const isTime = (): boolean => Date.now() >= time || monotonic() >= latest;
    const arm = (): void => {
      const waitMs = Math.max(0, Math.min(time - Date.now(), latest - monotonic(), SLICE_MS));
      timer = setTimeout(() => (isTime() ? callback() : arm()), waitMs);
    };
    arm();
    return () => clearTimeout(timer);
  },
};
