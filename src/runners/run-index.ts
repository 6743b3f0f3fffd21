// Runs by name and by job. The caller gives each run a unique name.
import type { JobKey } from '../core/job.ts';
import type { RunObservation } from '../core/run.ts';

export interface IndexedRun {
  readonly key: JobKey;
  readonly observation: RunObservation;
}

export class RunIndex<T extends IndexedRun> {
  readonly #runs = new Map<string, T>();
  readonly #namesOf = new Map<JobKey, Set<string>>();

  get(name: string): T | undefined {
    return this.#runs.get(name);
  }

  entries(): Iterable<[name: string, run: T]> {
    return this.#runs.entries();
  }

  /** The jobs that have a run in the index. */
  keys(): Iterable<JobKey> {
    return this.#namesOf.keys();
  }

  observe(key: JobKey): RunObservation[] {
    return [...(this.#namesOf.get(key) ?? [])].map((name) => this.#runs.get(name)!.observation);
  }

  add(name: string, run: T): void {
    this.#runs.set(name, run);
    const names = this.#namesOf.get(run.key);
    if (names) names.add(name);
    else this.#namesOf.set(run.key, new Set([name]));
  }

  delete(name: string): void {
    const key = this.#runs.get(name)?.key;
    this.#runs.delete(name);
    if (key === undefined) return;
    const names = this.#namesOf.get(key);
    names?.delete(name);
    if (names?.size === 0) this.#namesOf.delete(key);
  }
}

/** The run's own name, which people see: a runner of several namespaces has it as `namespace.name`. */
export function ownNameOf(name: string): string {
  // Neither part has a dot.
  return name.slice(name.indexOf('.') + 1);
}
