// The progress of the loop, for the daemon's health.
import type { Controller } from '../../control/controller.ts';
import type { Clock, Meter } from '../../control/ports.ts';
import type { Progress } from '../../local/handlers/daemon-health.ts';

/** Hears of each evaluation as the controller's meter. */
export class EvaluationProgress implements Meter, Progress {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #controller: () => Pick<Controller, 'depth' | 'working'>;
  lastEvaluationAt: number | undefined;

  constructor(clock: Pick<Clock, 'now'>, controller: () => Pick<Controller, 'depth' | 'working'>) {
    this.#clock = clock;
    this.#controller = controller;
  }

  get backlog(): number {
    const { depth, working } = this.#controller();
    return depth + working;
  }

  reconciled(result: 'success' | 'error' | 'conflict'): void {
    if (result === 'success') this.lastEvaluationAt = this.#clock.now();
  }

  queued(): void {}

  started(): void {}
}
