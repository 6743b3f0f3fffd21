// Keeps a copy of all objects under one path: a paged list, then one watch after another. Handlers only enqueue.
// The informer recovers from every failure by itself; its health counts the time without a watch.
import { setTimeout as delay } from 'node:timers/promises';
import { Listeners } from '../../../control/listeners.ts';
import type { Logger } from '../../../control/ports.ts';
import { describeError, isGone, retryAfterMs, statusCode } from '../api-errors.ts';
import { Backoff } from '../../../core/backoff.ts';
import type { KubeClient } from '../client.ts';
import { listAll } from '../list-all.ts';
import { ObjectCache, type Change } from './object-cache.ts';
import type { KubeObject } from '../objects.ts';
import { WatchHealth } from './watch-health.ts';
import { UnreadableEvent, type WatchEvent } from './watch-stream.ts';
import { StalledWatch, watch, WATCH_SILENCE_MS } from './watch.ts';

export interface InformerOptions<T> {
  client: KubeClient;
  logger: Logger;
  /** Path of the collection, such as `/apis/batch/v1/jobs` or `/apis/batch/v1/namespaces/a/jobs`. */
  path: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Reduces an object to the fields worth caching; default: all but managedFields. */
  trim?: (object: T) => T;
  /** Objects per page; default 500. */
  pageSize?: number;
  /** A watch that is silent for this many milliseconds counts as dead; default 70,000. */
  inactivityMs?: number;
  /** First and longest delay after a failure, milliseconds; default 500 and 30,000. */
  backoff?: { initialMs: number; maxMs: number };
  /** 0 <= value < 1; spreads the watches and retries of many clients. */
  random?: () => number;
}

const PAGE_SIZE = 500;
/** A live server answers a probe within this time, milliseconds. */
const PROBE_MS = 5_000;
const BACKOFF = { initialMs: 500, maxMs: 30_000 };
const WATCH_SECONDS = { shortest: 300, longest: 600 };
// An empty watch that ends sooner counts as a failure: a broken proxy would otherwise cause a tight loop.
const SHORT_WATCH_MS = 1_000;
// A watch that worked for this long resets the backoff: its end continues no series of failures.
const LONG_WATCH_MS = 30_000;

export class Informer<T extends KubeObject> {
  readonly health = new WatchHealth(() => performance.now());
  readonly #options: InformerOptions<T>;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  readonly #cache = new ObjectCache<T>();
  readonly #listeners = new Listeners<Change<T>>();
  readonly #abort = new AbortController();
  readonly #firstList = Promise.withResolvers<void>();
  #hasSynced = false;
  #resourceVersion: string | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff({ ...(options.backoff ?? BACKOFF), random: this.#random });
  }

  /** The listener gets each change, in order. It must not block; it only enqueues. */
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.add((change) => this.#callHandler(change, listener));
  }

  /** The newest known version by `namespace/name`; never to be mutated. */
  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  /** Stores the answer to our own write, or to a read past the watch. Does not notify listeners. */
  put(object: T): void {
    // The watch is past this version, and may have delivered the object’s deletion since.
    if (Number(object.metadata.resourceVersion) <= Number(this.#resourceVersion ?? 0)) return;
    this.#cache.put(this.#trimmed(object));
  }

  keys(): Iterable<string> {
    return this.#cache.keys();
  }

  values(): Iterable<T> {
    return this.#cache.values();
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves when the first list is in the cache. */
  synced(): Promise<void> {
    return this.#firstList.promise;
  }

  start(): void {
    this.#loop ??= this.#run(this.#abort.signal);
  }

  /** Ends the watch; resolves when its loop has ended. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#follow(this.#resourceVersion ?? (await this.#list(signal)), signal);
        this.health.watchEnded(0);
      } catch (error) {
        if (!signal.aborted) await this.#recover(error, signal);
      }
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { client, path, labelSelector, fieldSelector, pageSize = PAGE_SIZE } = this.#options;
    const { metadata, items } = await listAll<T>(client, {
      path,
      query: { labelSelector, fieldSelector },
      pageSize,
      signal,
    });
    this.health.listed();
    this.#resourceVersion = metadata.resourceVersion;
    const objects = items.map((item) => this.#trimmed(item));
    for (const change of this.#cache.replace(objects, metadata.resourceVersion))
      this.#listeners.notify(change);
    this.#hasSynced = true;
    this.#firstList.resolve();
    return metadata.resourceVersion;
  }

  async #follow(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, path, labelSelector, fieldSelector, inactivityMs = WATCH_SILENCE_MS } = this.#options;
    const startedAt = performance.now();
    let events = 0;
    const request = {
      path,
      query: { labelSelector, fieldSelector },
      resourceVersion,
      timeoutSeconds: this.#watchSeconds(),
      inactivityMs,
      signal,
      onOpen: () => this.health.watchOpened(),
    };
    for await (const event of watch<T>(client, request)) {
      events++;
      this.#handleEvent(event);
    }
    if (events === 0 && performance.now() - startedAt < SHORT_WATCH_MS)
      throw new Error('the watch ended at once');
  }

  #handleEvent(event: WatchEvent<T>): void {
    this.health.received();
    this.#backoff.reset();
    this.#resourceVersion = event.object.metadata.resourceVersion;
    if (event.type === 'BOOKMARK') return;
    const change = this.#cache.apply(event.type, this.#trimmed(event.object));
    if (change) this.#listeners.notify(change);
  }

  #callHandler(change: Change<T>, listener: (change: Change<T>) => void): void {
    try {
      listener(change);
    } catch (error) {
      this.health.handlerErrors++;
      this.#options.logger.error({ path: this.#options.path, err: error }, 'informer handler threw');
    }
  }

  async #recover(failure: unknown, signal: AbortSignal): Promise<void> {
    const { client, logger, path, inactivityMs = WATCH_SILENCE_MS } = this.#options;
    const stalled = failure instanceof StalledWatch;
    const workedMs = this.health.watchEnded(stalled ? inactivityMs : 0);
    if (workedMs >= LONG_WATCH_MS) this.#backoff.reset();
    if (failure instanceof UnreadableEvent) this.health.parseErrors++;
    if (mustRelist(failure)) this.#resourceVersion = undefined;
    // The next call must not use a dead connection. One that still answers stays: other calls share it.
    if (stalled) await client.dropIfSilent(Math.min(inactivityMs, PROBE_MS));
    const retryInMs = this.#backoff.next(retryAfterMs(failure));
    logger.warn({ path, error: describeError(failure), retryInMs }, 'watch interrupted');
    await delay(retryInMs, undefined, { signal }).catch(() => undefined);
  }

  // managedFields is the larger half of many objects; no reader of the cache needs it.
  #trimmed(object: T): T {
    const trimmed = this.#options.trim?.(object) ?? object;
    delete trimmed.metadata.managedFields;
    return trimmed;
  }

  #watchSeconds(): number {
    const { shortest, longest } = WATCH_SECONDS;
    return Math.round(shortest + this.#random() * (longest - shortest));
  }
}

// After these errors no watch can continue at the known resourceVersion: it expired (410), its collection was
// deleted (404), the server cannot parse it (400) or was restored to an older one (504), or an event was lost.
function mustRelist(error: unknown): boolean {
  if (error instanceof UnreadableEvent || isGone(error)) return true;
  const status = statusCode(error);
  return status === 400 || status === 404 || status === 504;
}
