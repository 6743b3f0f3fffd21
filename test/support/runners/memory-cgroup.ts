// A group of processes with a limit of memory, as a container has one; only root can make it.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';

const CGROUPS = '/sys/fs/cgroup';
/** Where memory is limited, and by which file: version 1 of cgroups, then version 2. */
const HIERARCHIES = [
  { root: join(CGROUPS, 'memory'), limit: 'memory.limit_in_bytes' },
  { root: CGROUPS, limit: 'memory.max' },
];

export class MemoryCgroup {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Undefined where this machine or this user cannot. */
  static make(limitBytes: number): MemoryCgroup | undefined {
    for (const { root, limit } of HIERARCHIES) {
      const path = join(root, `lsh-test-${process.pid}`);
      try {
        mkdirSync(path);
      } catch {
        continue;
      }
      // The kernel makes the files; where there are none, memory is not limited here.
      if (existsSync(join(path, limit))) {
        writeFileSync(join(path, limit), String(limitBytes));
        return new MemoryCgroup(path);
      }
      rmdirSync(path);
    }
    return undefined;
  }

  /** The command so that it begins within. */
  command(...words: string[]): [program: string, args: string[]] {
    return [
      '/bin/sh',
      ['-c', 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"', 'sh', this.#path, ...words],
    ];
  }

  /** Ends what is left in it. */
  async remove(): Promise<void> {
    await eventually(() => {
      if (!existsSync(this.#path)) return true;
      for (const pid of readFileSync(join(this.#path, 'cgroup.procs'), 'utf8').split('\n')) kill(Number(pid));
      try {
        rmdirSync(this.#path);
        return true;
      } catch {
        return undefined;
      }
    });
  }
}

function kill(pid: number): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
