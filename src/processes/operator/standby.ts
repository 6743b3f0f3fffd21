// A controller that waits for the lease. It watches the same resources as a leader, so that /readyz shows whether it
// could lead. A new leader does not use these caches: its lists must be newer than the last leader’s writes.
import {
  clusterWatches,
  readingsOf,
  type WatchOptions,
  type Watches,
  type WatchReading,
} from './cluster-watches.ts';

export class Standby {
  readonly #watches: Watches;

  constructor(options: WatchOptions) {
    this.#watches = clusterWatches(options);
  }

  /** Starts the watches, which retry until the API server answers. */
  start(): void {
    for (const watch of Object.values(this.#watches)) void watch.start();
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
    await Promise.all(Object.values(this.#watches).map((watch) => watch.stop()));
  }
}
