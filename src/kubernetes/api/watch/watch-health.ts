// How far an informer can be trusted: when it last heard from the server, and for how long it was blind.
// Times are monotonic milliseconds, so that a stepped clock does not look like an outage.

/** How far the watches of one resource can be trusted: times and opened watches of the worst, failures of all. */
export interface WatchReadings {
  watches: number;
  lastEventAgeMs: number;
  blindMs: number;
  parseErrors: number;
  handlerErrors: number;
}

export class WatchHealth implements WatchReadings {
  readonly #now: () => number;
  #lastEventAt: number;
  #blindSince: number | undefined;
  #seesSince = Infinity;
  #blindMs = 0;
  /** Handlers that threw; each still got the next change. */
  handlerErrors = 0;
  /** Events that were not JSON. */
  parseErrors = 0;
  /** Lists taken, the first included. */
  lists = 0;
  /** Watches opened. */
  watches = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#lastEventAt = now();
    this.#blindSince = now();
  }

  /** Milliseconds since the server was last heard: an event, a bookmark, a list. */
  get lastEventAgeMs(): number {
    return this.#now() - this.#lastEventAt;
  }

  /** All milliseconds without a working watch, the present ones included. */
  get blindMs(): number {
    return this.#blindMs + (this.#blindSince === undefined ? 0 : this.#now() - this.#blindSince);
  }

  listed(): void {
    this.lists++;
    this.heard();
  }

  heard(): void {
    this.#lastEventAt = this.#now();
  }

  /** A watch works from here on. */
  sees(): void {
    this.watches++;
    this.#blindMs = this.blindMs;
    this.#blindSince = undefined;
    this.#seesSince = this.#now();
    this.heard();
  }

  /** The watch ended, and told nothing for the given milliseconds before; answers how long it had worked. */
  lost(silentMs: number): number {
    this.#blindSince ??= this.#now() - silentMs;
    const workedMs = Math.max(0, this.#blindSince - this.#seesSince);
    this.#seesSince = Infinity;
    return workedMs;
  }
}
