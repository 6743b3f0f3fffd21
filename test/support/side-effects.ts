// Observes the effects of a command: the file it appends to, and the processes it leaves.
import { once } from 'node:events';
import { readFileSync, readdirSync, watch, writeFileSync } from 'node:fs';
import { onTestFinished } from 'vitest';

export interface FollowedFile {
  path: string;
  /** The complete lines so far. */
  lines(): string[];
  /** Resolves with the lines once there are at least `count`. */
  reaches(count: number): Promise<string[]>;
}

/** An empty file that commands append lines to; it is watched until the test has finished. */
export function followFile(path: string): FollowedFile {
  writeFileSync(path, '');
  const watcher = watch(path);
  onTestFinished(() => watcher.close());
  const lines = () => readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return {
    path,
    lines,
    async reaches(count) {
      while (lines().length < count) await once(watcher, 'change');
      return lines();
    },
  };
}

/** Pids of the living processes whose environment holds `NAME=value`. */
export function processesWith(variable: string): number[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.filter((pid) => environmentOf(pid).includes(variable)).map(Number);
}

/** Empty for an ended process, a zombie, and a process of another user. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
