// What the Job controller says of Jobs that have no Pod, read once for all runs of a namespace that ask at a time: a
// server answers each such question by a walk through all Events of the namespace.
import { setImmediate } from 'node:timers/promises';
import type { KubeApi } from '../api/fence.ts';
import { listAll } from '../api/list-all.ts';
import type { KubeObject } from '../api/objects.ts';
import type { KubeEvent } from '../objects/events.ts';

const LIST_TIMEOUT_MS = 10_000;
const PAGE_SIZE = 500;
const FIELD_SELECTOR = 'involvedObject.kind=Job,reason=FailedCreate';

type EventsByUid = ReadonlyMap<string, KubeEvent[]>;

export class FailedCreations {
  readonly #api: KubeApi;
  /** The read that has not begun, by namespace. */
  readonly #next = new Map<string, Promise<EventsByUid>>();
  /** Settles with the last read of the namespace. */
  readonly #idle = new Map<string, Promise<void>>();

  constructor(api: KubeApi) {
    this.#api = api;
  }

  /** The Events of the object. The read begins after this call. Throws ApiException. */
  async of({ metadata: { namespace = '', uid } }: KubeObject): Promise<KubeEvent[]> {
    const next = this.#next.get(namespace) ?? this.#plan(namespace);
    return (await next).get(uid) ?? [];
  }

  #plan(namespace: string): Promise<EventsByUid> {
    const next = this.#readAfter(this.#idle.get(namespace), namespace);
    this.#next.set(namespace, next);
    this.#idle.set(namespace, settled(next));
    return next;
  }

  async #readAfter(idle: Promise<void> | undefined, namespace: string): Promise<EventsByUid> {
    await idle;
    // In a later turn of the event loop: runs that started together ask in the same turn.
    await setImmediate();
    this.#next.delete(namespace);
    return this.#read(namespace);
  }

  async #read(namespace: string): Promise<EventsByUid> {
    const { items } = await listAll<KubeEvent>(this.#api, {
      path: `/api/v1/namespaces/${namespace}/events`,
      query: { fieldSelector: FIELD_SELECTOR },
      pageSize: PAGE_SIZE,
      signal: AbortSignal.timeout(LIST_TIMEOUT_MS),
    });
    return Map.groupBy(items, ({ involvedObject }) => involvedObject.uid ?? '');
  }
}

/** Resolves when the read has ended, also when it failed: its caller hears of that. */
async function settled(read: Promise<unknown>): Promise<void> {
  try {
    await read;
  } catch {
    // the caller of of() gets the error
  }
}
