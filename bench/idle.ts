// CPU and memory of the daemon with a thousand jobs in a minute in which none is due.
import { setTimeout as wait } from 'node:timers/promises';
import { cpuMs, newHome, rssMb } from './lsh-process.ts';
import type { Row } from './row.ts';

const JOBS = 1000;
const WATCH_MS = 60_000;

function manifests(): string {
  return Array.from(
    { length: JOBS },
    (_, i) =>
      `apiVersion: lsh.dev/v1alpha1\nkind: LshJob\nmetadata: {name: job-${i}}\nspec: {schedule: "0 2 * * 0", command: "true"}\n`,
  ).join('---\n');
}

export async function idleRows(): Promise<Row[]> {
  const home = newHome();
  try {
    home.lsh('daemon', 'start');
    const { pid } = JSON.parse(home.lsh('daemon', 'status', '-o', 'json')) as { pid: number };
    const empty = rssMb(pid);
    home.apply(manifests());
    // The import settles first: only then is the daemon idle.
    await wait(10_000);
    const before = cpuMs(pid);
    await wait(WATCH_MS);
    const cpu = cpuMs(pid) - before;
    const rss = rssMb(pid);
    return [
      {
        name: `daemon with ${JOBS} jobs, RSS`,
        value: rss,
        unit: 'MB',
        peers: [
          { name: 'the original', value: 84 },
          { name: 'without jobs', value: empty },
        ],
        budget: '<= 60 MB',
        ok: rss <= 60,
      },
      {
        name: `daemon with ${JOBS} jobs, CPU over ${WATCH_MS / 1000} s`,
        value: cpu,
        unit: 'ms',
        peers: [],
        budget: '<= 50 ms',
        ok: cpu <= 50,
      },
    ];
  } finally {
    home.dispose();
  }
}
