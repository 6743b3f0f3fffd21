// Shell runs per second of the whole daemon with its ledger. More jobs than the budget are due in every second of a
// stretch; at the end every slot must have an outcome.
import { setTimeout as wait } from 'node:timers/promises';
import type { JobStats } from '../src/contracts/job-api.ts';
import { daemonClient } from '../src/local/socket/client.ts';
import { cpuMs, newHome, type LshHome } from './lsh-process.ts';
import { bareRunsPerSecond, BUDGET, isWithinBudget } from './shell-runs.ts';
import type { Row } from './row.ts';

const JOBS = 400;
/** Time between the last `add` and the first slot. */
const LEAD_MS = 15_000;

/** One row. Every job is due once a second, for `seconds`. */
export async function daemonRunRows(seconds = 20): Promise<Row[]> {
  const home = newHome();
  try {
    home.lsh('daemon', 'start');
    const bare = await bareRunsPerSecond();
    const { pid, socketPath } = JSON.parse(home.lsh('daemon', 'status', '-o', 'json')) as DaemonFacts;
    const client = daemonClient(socketPath, { version: 'bench' });
    const from = Math.ceil((Date.now() + LEAD_MS) / 1000) * 1000;
    addJobs(home, from, seconds);
    if (Date.now() >= from) throw new Error('adding the jobs took longer than the lead time');
    const cpuBefore = cpuMs(pid);
    await wait(from + seconds * 1000 - Date.now());
    while ((await client.status({})).activeRuns > 0) await wait(200);
    const stats = await client.stats({});
    const cpu = cpuMs(pid) - cpuBefore;
    const last = await client.runs({ limit: 2 * JOBS });
    const until = Math.max(...last.map((run) => Date.parse(run.finishedAt ?? '')));
    return [rowOf(stats, { seconds, elapsedMs: until - from, bare, cpu })];
  } finally {
    home.dispose();
  }
}

interface DaemonFacts {
  pid: number;
  socketPath: string;
}

/** Jobs due at every second of [from, from + seconds). A run that cannot start in its second waits. */
function addJobs(home: LshHome, from: number, seconds: number): void {
  const span = {
    notBefore: new Date(from).toISOString(),
    notAfter: new Date(from + (seconds - 1) * 1000).toISOString(),
  };
  const spec = {
    schedule: '* * * * * *',
    concurrencyPolicy: 'Queue',
    command: 'true',
    timeZone: 'UTC',
    ...span,
  };
  const documents = Array.from({ length: JOBS }, (_, index) =>
    JSON.stringify({
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name: `job-${index}` },
      spec,
    }),
  );
  home.apply(documents.join('\n---\n'));
}

interface Measured {
  seconds: number;
  elapsedMs: number;
  bare: number;
  cpu: number;
}

function rowOf(stats: readonly JobStats[], { seconds, elapsedMs, bare, cpu }: Measured): Row {
  const sum = (of: (job: JobStats) => number) => stats.reduce((total, job) => total + of(job), 0);
  const completed = sum((job) => job.completed);
  const broken = sum((job) => job.failed + job.killed);
  const refused = sum((job) => job.missed);
  const lost = JOBS * seconds - completed - broken - refused;
  const value = completed / (elapsedMs / 1000);
  return {
    name: `shell runs through the daemon, ${seconds} s`,
    value,
    unit: 'runs/s',
    peers: [
      { name: 'bare spawn', value: bare },
      { name: 'daemon CPU ms per run', value: cpu / completed },
      { name: 'without a turn, recorded as such', value: refused },
      { name: 'failed', value: broken },
      { name: 'lost', value: lost },
    ],
    budget: `${BUDGET}, 0 lost`,
    ok: isWithinBudget(value, bare) && lost === 0 && broken === 0,
  };
}
