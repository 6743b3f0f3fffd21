// Several namespaces behind the interface of one informer: one watch per namespace, because a Role grants no more.
import { splitKey } from '../../../core/naming.ts';
import type { Change } from './object-cache.ts';
import { Informer, type InformerOptions } from './informer.ts';
import type { KubeObject } from '../objects.ts';
import type { WatchReadings } from './watch-health.ts';

export interface NamespacedInformerOptions<T> extends Omit<InformerOptions<T>, 'path'> {
  /** Empty: all namespaces, in one watch of the whole cluster. */
  namespaces: readonly string[];
  /** Path of the collection in the namespace; without a namespace, in the whole cluster. */
  pathOf: (namespace?: string) => string;
}

export class NamespacedInformer<T extends KubeObject> {
  readonly #informers: Map<string, Informer<T>>;

  constructor({ namespaces, pathOf, ...options }: NamespacedInformerOptions<T>) {
    const scopes = namespaces.length === 0 ? [undefined] : namespaces;
    this.#informers = new Map(
      scopes.map((scope) => [scope ?? '', new Informer<T>({ ...options, path: pathOf(scope) })]),
    );
  }

  get(key: string): T | undefined {
    return this.#informerOf(splitKey(key).namespace)?.get(key);
  }

  *keys(): Iterable<string> {
    for (const informer of this.#informers.values()) yield* informer.keys();
  }

  /** As Informer.put. */
  put(object: T): void {
    this.#informerOf(object.metadata.namespace ?? '')?.put(object);
  }

  onChange(listener: (change: Change<T>) => void): void {
    for (const informer of this.#informers.values()) informer.onChange(listener);
  }

  hasSynced(): boolean {
    return [...this.#informers.values()].every((informer) => informer.hasSynced());
  }

  health(): WatchReadings {
    const all = [...this.#informers.values()].map(({ health }) => health);
    return {
      watches: Math.min(...all.map(({ watches }) => watches)),
      lastEventAgeMs: Math.max(...all.map(({ lastEventAgeMs }) => lastEventAgeMs)),
      blindMs: Math.max(...all.map(({ blindMs }) => blindMs)),
      parseErrors: all.reduce((sum, { parseErrors }) => sum + parseErrors, 0),
      handlerErrors: all.reduce((sum, { handlerErrors }) => sum + handlerErrors, 0),
    };
  }

  /** Resolves when every first list is in the cache. */
  async start(): Promise<void> {
    const informers = [...this.#informers.values()];
    for (const informer of informers) informer.start();
    await Promise.all(informers.map((informer) => informer.synced()));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  #informerOf(namespace: string): Informer<T> | undefined {
    return this.#informers.get('') ?? this.#informers.get(namespace);
  }
}
