// How long Kubernetes Jobs have been active, by our own monotonic clock: another machine writes the times inside them,
// and our wall clock may be set. A restart starts again at 0, so a time is never too long.
import type { Clock } from '../../control/ports.ts';
import type { KubeJob } from '../objects/kube-job-run.ts';

interface Start {
  startTime: string;
  /** Monotonic milliseconds at which this start was first seen. */
  seenAt: number;
}

export class ActiveTimes {
  readonly #clock: Clock;
  readonly #starts = new Map<string, Start>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Records a version of the Kubernetes Job. A queue suspends it by removing its start, and resumes it with a new one. */
  record({ metadata, status }: KubeJob): void {
    const startTime = status?.startTime;
    if (startTime === undefined) this.#starts.delete(metadata.uid);
    else if (this.#starts.get(metadata.uid)?.startTime !== startTime)
      this.#starts.set(metadata.uid, { startTime, seenAt: this.#clock.monotonic() });
  }

  /** Milliseconds since the start was first seen; 0 before it. */
  of({ metadata }: KubeJob): number {
    const start = this.#starts.get(metadata.uid);
    return start === undefined ? 0 : this.#clock.monotonic() - start.seenAt;
  }

  forget({ metadata }: KubeJob): void {
    this.#starts.delete(metadata.uid);
  }
}
