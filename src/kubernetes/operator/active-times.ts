// For how long Jobs have been active, by our own steady clock: the instants in them are another machine's, and ours
// may be set. After a restart it begins anew, which errs on the late side.
import type { Clock } from '../../control/ports.ts';
import type { KubeJob } from '../objects/kube-job-run.ts';

interface Seen {
  startTime: string;
  /** Steady milliseconds. */
  at: number;
}

export class ActiveTimes {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in a version of the Job. One that a queue holds back has no start, and a new one when it is let go. */
  note({ metadata, status }: KubeJob): void {
    const startTime = status?.startTime;
    if (startTime === undefined) this.#seen.delete(metadata.uid);
    else if (this.#seen.get(metadata.uid)?.startTime !== startTime)
      this.#seen.set(metadata.uid, { startTime, at: this.#clock.monotonic() });
  }

  /** Milliseconds since its start was first seen; 0 before. */
  of({ metadata }: KubeJob): number {
    const seen = this.#seen.get(metadata.uid);
    return seen === undefined ? 0 : this.#clock.monotonic() - seen.at;
  }

  forget({ metadata }: KubeJob): void {
    this.#seen.delete(metadata.uid);
  }
}
