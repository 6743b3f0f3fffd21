// A controller that waits for the lease. It watches the same resources as a leader, so that /readyz shows whether it
// could lead. A new leader does not use these caches: its lists must be newer than the last leader’s writes. It also
// records how shell runs ended that this host ran as a leader.
import { clusterWatches, readingsOf, type Watches, type WatchReading } from './cluster-watches.ts';
import { runEndsOf, type HostOptions, type RunEnds } from './run-ends.ts';

export class Standby {
  readonly #watches: Watches;
  readonly #runEnds: RunEnds | undefined;

  constructor(options: HostOptions) {
    this.#watches = clusterWatches(options);
    this.#runEnds = runEndsOf(options);
  }

  /** Starts the watches, which retry until the API server answers. */
  start(): void {
    for (const watch of Object.values(this.#watches)) void watch.start();
    this.#runEnds?.start();
  }

  /** Whether every resource has been listed and is watched. */
  get synced(): boolean {
    const watches = Object.values(this.#watches);
    return watches.every((watch) => watch.hasSynced() && watch.health().watches > 0);
  }

  /** The health of the watches. */
  watches(): WatchReading[] {
    return readingsOf(this.#watches);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#runEnds?.stop(), ...Object.values(this.#watches).map((watch) => watch.stop())]);
  }
}
