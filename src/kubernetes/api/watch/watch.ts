// One watch: events until the server ends it, the caller aborts it, or it is silent for too long.
import type { KubeClient, KubeRequest } from '../client.ts';
import type { KubeObject } from '../objects.ts';
import { watchEvents, type WatchEvent } from './watch-stream.ts';

/** A live server sends a bookmark each minute, so a longer silence means a dead connection. */
export const WATCH_SILENCE_MS = 70_000;

export interface WatchRequest {
  path: string;
  query: KubeRequest['query'];
  resourceVersion: string;
  /** The server ends the watch after this many seconds. */
  timeoutSeconds: number;
  /** Silence after which the watch counts as dead, milliseconds; default WATCH_SILENCE_MS. */
  inactivityMs?: number;
  signal: AbortSignal;
  /** Called when the server has accepted the watch. */
  onOpen: () => void;
}

/** The watch delivered nothing, not even a bookmark, for `inactivityMs`. */
export class StalledWatch extends Error {}

/** Yields events until the server ends the watch. Throws ApiException, StalledWatch, UnreadableEvent, or the abort reason. */
export async function* watch<T extends KubeObject>(
  client: KubeClient,
  request: WatchRequest,
): AsyncGenerator<WatchEvent<T>> {
  const { inactivityMs = WATCH_SILENCE_MS } = request;
  const watchdog = new AbortController();
  const abortStalled = () => watchdog.abort(new StalledWatch(`silent for ${inactivityMs} ms`));
  const timer = setTimeout(abortStalled, inactivityMs);
  try {
    const body = await open(client, request, AbortSignal.any([request.signal, watchdog.signal]));
    request.onOpen();
    for await (const event of watchEvents<T>(body)) {
      timer.refresh();
      yield event;
    }
  } catch (error) {
    watchdog.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function open(
  client: KubeClient,
  { path, query, resourceVersion, timeoutSeconds }: WatchRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const options = { ...query, resourceVersion, timeoutSeconds, watch: true, allowWatchBookmarks: true };
  const { body } = await client.request({ path, query: options, signal });
  return body.stream();
}
