// Counts the processes of this container, or of this user's service, that the kernel killed for lack of memory: the
// exit status alone cannot tell them from any other SIGKILL.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CGROUPS = '/sys/fs/cgroup';
const OWN_CGROUPS = '/proc/self/cgroup';

/** Returns a function that reads the counter; it returns 0 where the kernel has none, such as on macOS. */
export function memoryKillCounter(cgroups = CGROUPS, ownCgroups = OWN_CGROUPS): () => number {
  const file = counterFiles(cgroups, ownCgroups).find((path) => countIn(path) !== undefined);
  return () => (file === undefined ? 0 : (countIn(file) ?? 0));
}

/** Version 1 of cgroups comes first: where both are mounted, version 1 has the memory controller. */
function counterFiles(cgroups: string, ownCgroups: string): string[] {
  if (!existsSync(ownCgroups)) return [];
  const lines = readFileSync(ownCgroups, 'utf8').split('\n');
  const fields = lines.map((line) => /^\d+:([^:]*):(.*)$/.exec(line) ?? []);
  const pathOf = (wanted: string) =>
    fields.find(([, controllers = '-']) => controllers.split(',').includes(wanted))?.[2] ?? '/';
  const memory = join(cgroups, 'memory');
  return [
    join(memory, pathOf('memory'), 'memory.oom_control'),
    // In a container the path may be the host's, while the mount is the container's own.
    join(memory, 'memory.oom_control'),
    join(cgroups, pathOf(''), 'memory.events'),
    join(cgroups, 'memory.events'),
  ];
}

function countIn(path: string): number | undefined {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}
