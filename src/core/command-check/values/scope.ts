// Known variables and the working directory, while a script is walked. A subshell has a scope of its own; it looks up
// what it does not change in the scope around it.
import type { Flow } from '../invocation.ts';
import { resolvePath } from '../paths.ts';

/** What a word or variable stands for. */
export interface Expanded {
  /** Several texts: the words of an array, the values that a loop goes through. */
  texts: string[];
  /** The output of its substitutions. */
  flow: Flow;
}

/** Longer directories are cut: no system directory is that long, and each path is resolved from here. */
const MAX_DIRECTORY = 256;

export class Scope {
  readonly #around: Scope | undefined;
  readonly #variables = new Map<string, Expanded | undefined>();
  #directory: string;

  constructor(directory: string, around?: Scope) {
    this.#directory = directory;
    this.#around = around;
  }

  get directory(): string {
    return this.#directory;
  }

  /** `cd`. */
  enter(path: string): void {
    this.#directory = resolvePath(path, this.#directory).slice(0, MAX_DIRECTORY);
  }

  subshell(): Scope {
    return new Scope(this.#directory, this);
  }

  /** The value of a variable, if known. Subshells nest no deeper than the parser goes. */
  get(name: string): Expanded | undefined {
    return this.#variables.has(name) ? this.#variables.get(name) : this.#around?.get(name);
  }

  /** Sets a variable; undefined means that its value is unknown from here. */
  set(name: string, value: Expanded | undefined): void {
    this.#variables.set(name, value);
  }
}
