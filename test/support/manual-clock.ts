// A clock that the test moves.
import type { Clock } from '../../src/control/ports.ts';

/** How long the machine ran before the test, milliseconds. */
const BOOTED_MS = 3_600_000;

interface Timer {
  time: number;
  /** On the monotonic clock, for a wall clock that was set back. */
  latest: number;
  callback: () => void;
}

export class ManualClock implements Clock {
  #now: number;
  #steady = 0;
  #sleptMs = 0;
  #timers: Timer[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now = (): number => this.#now;
  monotonic = (): number => this.#steady;
  uptime = (): number => BOOTED_MS + this.#steady + this.#sleptMs;

  at(time: number, callback: () => void): () => void {
    const timer = { time, latest: this.#steady + Math.max(0, time - this.#now), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Number of waiting timers. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets time pass: timers fire in order, each at its own instant. */
  advanceTo(time: number): void {
    const firesAt = (timer: Timer): number => Math.min(timer.time, this.#now + timer.latest - this.#steady);
    for (;;) {
      const next = this.#timers
        .filter((timer) => firesAt(timer) <= time)
        .sort((a, b) => firesAt(a) - firesAt(b))[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#move(Math.max(firesAt(next), this.#now));
      next.callback();
    }
    this.#move(time);
  }

  /** Sets the wall clock; the monotonic clock stands still. Timers that become due fire. */
  stepBy(ms: number): void {
    this.#now += ms;
    this.#fireDue();
  }

  /** The machine sleeps: the wall clock and the uptime go on, the monotonic clock stands still. */
  sleepFor(ms: number): void {
    this.#sleptMs += ms;
    this.#now += ms;
    this.#fireDue();
  }

  #fireDue(): void {
    const due = this.#timers.filter((timer) => timer.time <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.time > this.#now);
    for (const timer of due) timer.callback();
  }

  #move(time: number): void {
    this.#steady += time - this.#now;
    this.#now = time;
  }
}
