// Notices when the wall clock is set. Sleep moves the wall clock too, but it is no step: the time has passed.
//
// The wall clock and the monotonic clock run at one rate, so their difference changes only when the machine sleeps or
// the wall clock is set. Then the uptime, which counts sleep and costs a read of a file, tells the two apart.
import type { ClockReading, ClockStep } from '../core/decide/clock-step.ts';
import type { ClockReference } from '../core/job.ts';
import { Listeners } from './listeners.ts';
import type { Clock } from './ports.ts';

/** A smaller difference, milliseconds, is an error of the reading. */
const STEP_MS = 1000;
/** A process that looked longer ago, milliseconds, slept; machines set their clock after they wake. */
const ASLEEP_MS = 15_000;
/** Most steps in memory. */
const STEPS_MAX = 100;

/** The last word of an earlier process: its setting of the clock, and the last time that it recorded. */
export interface LastLook {
  reference: ClockReference;
  at: number;
}

export class ClockSteps {
  readonly #clock: Pick<Clock, 'now' | 'monotonic' | 'uptime'>;
  readonly #listeners = new Listeners<ClockStep>();
  #steps: readonly ClockStep[] = [];
  #reference: ClockReference;
  #initial: ClockReference;
  #lastNow: number;
  /** How far the wall clock was ahead of the monotonic clock when the uptime was last asked. */
  #leadMs: number;
  #movedMs = 0;

  /** `id` names the clock that counts the uptime: times of two such clocks cannot be compared. */
  constructor(clock: Pick<Clock, 'now' | 'monotonic' | 'uptime'>, id: string) {
    this.#clock = clock;
    this.#lastNow = clock.now();
    this.#leadMs = this.#lastNow - clock.monotonic();
    this.#reference = { id, offsetMs: Math.round(this.#lastNow - clock.uptime()) };
    this.#initial = this.#reference;
  }

  /** The setting when this process began to look. */
  get initial(): ClockReference {
    return this.#initial;
  }

  /** By how much the clock was set since then, milliseconds. */
  get movedMs(): number {
    return this.#movedMs;
  }

  /** By how much the clock was set between an earlier setting and the first of this process, milliseconds. */
  movedSince(earlier: ClockReference | undefined): number {
    const { id, offsetMs } = this.#initial;
    return earlier?.id === id ? this.#stepFrom(earlier.offsetMs, offsetMs) : 0;
  }

  /** Hears of each step, before the look that notices it returns. The listener must not throw. */
  onStep(listener: (step: ClockStep) => void): void {
    this.#listeners.add(listener);
  }

  /** Goes on from an earlier process, and notices a step between the two. Call it once, before the first look. */
  resumeFrom({ reference, at }: LastLook): void {
    if (reference.id !== this.#reference.id) return;
    const byMs = this.#stepFrom(reference.offsetMs, this.#reference.offsetMs);
    this.#reference = byMs === 0 ? reference : { ...reference, offsetMs: reference.offsetMs + byMs };
    this.#initial = this.#reference;
    if (byMs !== 0) this.#notice({ at: Math.min(at, this.#lastNow - byMs), byMs, whileAway: true });
  }

  /** Reads the clock. */
  look(): ClockReading & { now: number } {
    const now = this.#clock.now();
    const leadMs = now - this.#clock.monotonic();
    if (Math.abs(leadMs - this.#leadMs) > STEP_MS) {
      this.#leadMs = leadMs;
      this.#askUptime(now);
    }
    this.#lastNow = now;
    return { now, reference: this.#reference, steps: this.#steps };
  }

  #askUptime(now: number): void {
    const { id, offsetMs } = this.#reference;
    const uptimeMs = this.#clock.uptime();
    const byMs = this.#stepFrom(offsetMs, now - uptimeMs);
    if (byMs === 0) return;
    const hasSlept = uptimeMs - (this.#lastNow - offsetMs) > ASLEEP_MS;
    const at = hasSlept ? now - byMs : this.#lastNow;
    this.#lastNow = now;
    this.#reference = { id, offsetMs: offsetMs + byMs };
    this.#movedMs += byMs;
    this.#notice({ at, byMs });
  }

  /** Whole seconds, so that slots that move with the clock stay whole seconds. */
  #stepFrom(beforeMs: number, afterMs: number): number {
    const byMs = afterMs - beforeMs;
    return Math.abs(byMs) > STEP_MS ? Math.round(byMs / 1000) * 1000 : 0;
  }

  #notice(step: ClockStep): void {
    this.#steps = [...this.#steps, step].slice(-STEPS_MAX);
    this.#listeners.notify(step);
  }
}
