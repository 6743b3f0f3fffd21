// A control group with a memory limit, as a container has one; only root can make it.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';

const CGROUPS = '/sys/fs/cgroup';
/** Directory and file of the memory limit: version 1 of cgroups, then version 2. */
const HIERARCHIES = [
  { root: join(CGROUPS, 'memory'), limit: 'memory.limit_in_bytes' },
  { root: CGROUPS, limit: 'memory.max' },
];

export class MemoryCgroup {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Returns undefined if the machine or the user cannot make one. */
  static make(limitBytes: number): MemoryCgroup | undefined {
    for (const { root, limit } of HIERARCHIES) {
      const path = join(root, `lsh-test-${process.pid}`);
      try {
        mkdirSync(path);
      } catch {
        continue;
      }
      // The kernel makes the files; without them this hierarchy does not limit memory.
      if (existsSync(join(path, limit))) {
        writeFileSync(join(path, limit), String(limitBytes));
        return new MemoryCgroup(path);
      }
      rmdirSync(path);
    }
    return undefined;
  }

  /** The command that runs `words` in the group. */
  command(...words: string[]): [program: string, args: string[]] {
    return [
      '/bin/sh',
      ['-c', 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"', 'sh', this.#path, ...words],
    ];
  }

  /** Ends all processes of the group, and removes it. */
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
    // The process has ended already.
  }
}
