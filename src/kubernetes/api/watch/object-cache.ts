// What an informer knows: the newest version of each object, and what changed when a list replaces them all.
import { objectKey, type KubeObject } from '../objects.ts';

export interface Change<T> {
  type: 'Added' | 'Modified' | 'Deleted';
  object: T;
}

export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  /** Versions of own writes that the watch has not brought yet. */
  readonly #ahead = new Map<string, number>();

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

  /** Takes the answer to a write of our own, so that it is read before the watch brings it. */
  put(object: T): void {
    const key = objectKey(object);
    const known = this.#objects.get(key);
    if (known !== undefined && version(known) >= version(object)) return;
    this.#objects.set(key, object);
    this.#ahead.set(key, version(object));
  }

  /** Takes one event of a watch; undefined when it says nothing new, as a repeated one does. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): Change<T> | undefined {
    const key = objectKey(object);
    if (version(object) < (this.#ahead.get(key) ?? 0)) return undefined;
    this.#ahead.delete(key);
    const known = this.#objects.get(key);
    if (type === 'DELETED') {
      this.#objects.delete(key);
      return known && { type: 'Deleted', object };
    }
    if (known?.metadata.resourceVersion === object.metadata.resourceVersion) return undefined;
    this.#objects.set(key, object);
    return { type: known ? 'Modified' : 'Added', object };
  }

  /** Takes a whole list as of a resourceVersion; what is no longer in it was deleted while nobody looked. */
  replace(objects: readonly T[], resourceVersion: string): Change<T>[] {
    const gone = new Map(this.#objects);
    for (const [key, written] of this.#ahead) if (written > Number(resourceVersion)) gone.delete(key);
    const changes: Change<T>[] = [];
    for (const object of objects) {
      gone.delete(objectKey(object));
      const change = this.apply('ADDED', object);
      if (change) changes.push(change);
    }
    for (const [key, object] of gone) {
      this.#objects.delete(key);
      changes.push({ type: 'Deleted', object });
    }
    return changes;
  }
}

// The server’s versions grow with time; what was written here is only ever compared with what it said since.
function version({ metadata }: KubeObject): number {
  return Number(metadata.resourceVersion);
}
