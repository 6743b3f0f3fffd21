// A controller that waits for its turn: it watches what it would lead, so that /readyz can say whether it could. Nothing
// of it is used when its turn comes: who leads begins with lists that are newer than the last leader's writes.
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

  /** Begins; what cannot be read yet is asked for again and again. */
  start(): void {
    for (const watch of Object.values(this.#watches)) void watch.start();
  }

  /** Whether all of it has been read, and is watched. */
  get synced(): boolean {
    const watches = Object.values(this.#watches);
    return watches.every((watch) => watch.hasSynced() && watch.health().watches > 0);
  }

  /** How far the watches can be trusted. */
  watches(): WatchReading[] {
    return readingsOf(this.#watches);
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.#watches).map((watch) => watch.stop()));
  }
}
