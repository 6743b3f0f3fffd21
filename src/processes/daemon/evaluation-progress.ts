// The progress of the loop, for the daemon's health.
import type { Controller } from '../../control/controller.ts';
import type { Clock, Meter } from '../../control/ports.ts';
import type { Progress } from '../../local/handlers/daemon-health.ts';

/** The wall clock gains less on the monotonic clock while the machine is awake. */
const SLEEP_MS = 1000;

/** Hears of each evaluation as the controller's meter. */
export class EvaluationProgress implements Meter, Progress {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #controller: () => Pick<Controller, 'depth' | 'working'>;
  lastEvaluationAt: number | undefined;
  #awakeSince = -Infinity;
  #leadMs: number;

  constructor(
    clock: Pick<Clock, 'now' | 'monotonic'>,
    controller: () => Pick<Controller, 'depth' | 'working'>,
  ) {
    this.#clock = clock;
    this.#leadMs = clock.now() - clock.monotonic();
    this.#controller = controller;
  }

  get backlog(): number {
    const { depth, working } = this.#controller();
    return depth + working;
  }

  /** Only the wall clock moves while the machine sleeps. The loop notices up to 10 s after the machine wakes. */
  get awakeSince(): number {
    const now = this.#clock.now();
    const leadMs = now - this.#clock.monotonic();
    if (leadMs - this.#leadMs > SLEEP_MS) this.#awakeSince = now;
    this.#leadMs = leadMs;
    return this.#awakeSince;
  }

  reconciled(result: 'success' | 'error' | 'conflict'): void {
    if (result === 'success') this.lastEvaluationAt = this.#clock.now();
  }

  queued(): void {}

  started(): void {}
}
