// The long-running programs of a cluster. Each has a log; the error about an ended program shows its last lines.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SHOWN_LINES = 15;

export interface Program {
  name: string;
  command: string[];
}

export class Programs {
  readonly #logs: string;
  readonly #running: { name: string; child: ChildProcess }[] = [];

  constructor(logs: string) {
    this.#logs = logs;
    mkdirSync(logs, { recursive: true });
  }

  start({ name, command: [program = '', ...args] }: Program): void {
    const log = openSync(this.#log(name), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    child.once('error', () => undefined);
    this.#running.push({ name, child });
  }

  /** Throws with the end of its log if a program has ended. */
  check(): void {
    for (const { name, child } of this.#running)
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
        throw new Error(
          `${name} has ended (${child.exitCode ?? child.signalCode}):\n${this.lastLines(name)}`,
        );
  }

  lastLines(name: string): string {
    return readFileSync(this.#log(name), 'utf8').trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
  }

  /** Kills the programs, the last started first. */
  async stop(): Promise<void> {
    for (const { child } of this.#running.splice(0).toReversed()) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
  }

  #log(name: string): string {
    return join(this.#logs, `${name}.log`);
  }
}
