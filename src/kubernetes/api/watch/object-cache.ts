// The cache of an informer: the newest version of each object, and the changes that an event or a new list makes.
import { objectKey, type KubeObject } from '../objects.ts';

export interface Change<T> {
  type: 'Added' | 'Modified' | 'Deleted';
  object: T;
}

export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  /** Versions of our own writes that the watch has not delivered yet. */
  readonly #ownWrites = new Map<string, number>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  /** Stores the answer to our own write, so that readers see it before the watch delivers it. */
  put(object: T): void {
    const key = objectKey(object);
    const known = this.#objects.get(key);
    if (known !== undefined && version(known) >= version(object)) return;
    this.#objects.set(key, object);
    this.#ownWrites.set(key, version(object));
  }

  /** Applies a watch event. Returns undefined if it changes nothing, as a repeated or overtaken event. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): Change<T> | undefined {
    const key = objectKey(object);
    if (version(object) < (this.#ownWrites.get(key) ?? 0)) return undefined;
    this.#ownWrites.delete(key);
    const known = this.#objects.get(key);
    if (type === 'DELETED') {
      this.#objects.delete(key);
      return known && { type: 'Deleted', object };
    }
    if (known?.metadata.resourceVersion === object.metadata.resourceVersion) return undefined;
    this.#objects.set(key, object);
    return { type: known ? 'Modified' : 'Added', object };
  }

  /** Applies a whole list as of `resourceVersion`. An object that the list lacks was deleted between two watches. */
  replace(objects: readonly T[], resourceVersion: string): Change<T>[] {
    const missing = new Map(this.#objects);
    for (const [key, written] of this.#ownWrites) if (written > Number(resourceVersion)) missing.delete(key);
    const changes: Change<T>[] = [];
    for (const object of objects) {
      missing.delete(objectKey(object));
      const change = this.apply('ADDED', object);
      if (change) changes.push(change);
    }
    for (const [key, object] of missing) {
      this.#objects.delete(key);
      changes.push({ type: 'Deleted', object });
    }
    return changes;
  }
}

// Versions of one API server grow with each write, so they compare as numbers.
function version({ metadata }: KubeObject): number {
  return Number(metadata.resourceVersion);
}
