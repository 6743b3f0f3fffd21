// A server as a child process that tells on its standard error what it has come to.
import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';

/** Postgres refuses to be root. */
export const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

export class ServerProcess {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #heard = new EventEmitter<{ change: [] }>();
  readonly #lines: string[] = [];
  #ended = false;

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#name = program;
    this.#process = spawn(program, args, {
      cwd: '/',
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...UNPRIVILEGED,
    });
    createInterface(this.#process.stderr!).on('line', (line) => {
      this.#lines.push(line);
      this.#heard.emit('change');
    });
    this.#process.on('error', (error) => this.#lines.push(error.message));
    this.#process.on('close', () => {
      this.#ended = true;
      this.#heard.emit('change');
    });
  }

  /** How many lines match so far. */
  count(pattern: RegExp): number {
    return this.#lines.filter((line) => pattern.test(line)).length;
  }

  /** Resolves once so many lines match; rejects with all of them when the server ends before. */
  async says(pattern: RegExp, times = 1): Promise<void> {
    while (this.count(pattern) < times) {
      if (this.#ended) throw new Error(`${this.#name} has ended:\n${this.#lines.join('\n')}`);
      await once(this.#heard, 'change');
    }
  }

  /** Resolves once it is gone. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#process.kill(signal);
    while (!this.#ended) await once(this.#heard, 'change');
  }
}
