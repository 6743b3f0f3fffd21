// The system’s clock. Everything that waits, waits through here.
import type { Clock } from './ports.ts';

/**
 * No timer is longer than this: setTimeout overflows at 24.8 days and stands still while a laptop sleeps, so a
 * long wait looks at the wall clock in between.
 */
const SLICE_MS = 10_000;
/** A wall clock this far behind the steady one was set back; less is a clock that is being slewed. */
const SET_BACK_MS = 1000;

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  at(time, callback) {
    let timer: NodeJS.Timeout;
    const latest = performance.now() + Math.max(0, time - Date.now()) + SET_BACK_MS;
    const isTime = (): boolean => Date.now() >= time || performance.now() >= latest;
    const arm = (): void => {
      const waitMs = Math.max(0, Math.min(time - Date.now(), latest - performance.now(), SLICE_MS));
      timer = setTimeout(() => (isTime() ? callback() : arm()), waitMs);
    };
    arm();
    return () => clearTimeout(timer);
  },
};
