// Shell runs per second of the whole daemon with its ledger. More jobs than the budget are due in every second of a
// stretch; at the end every slot must have an outcome. A long stretch (`--seconds 600`) shows what grows with time.
import { setTimeout as wait } from 'node:timers/promises';
import type { JobStats } from '../src/contracts/job-api.ts';
import { daemonClient } from '../src/local/socket/client.ts';
import { cpuMs, newHome, type LshHome } from './lsh-process.ts';
import { BARE_SHARE, bareRunsPerSecond, BUDGET, isWithinBudget } from './shell-runs.ts';
import type { Row } from './row.ts';

/** Jobs due per second, as a share of the bare spawns per second: the daemon must never lack work. */
const DUE_SHARE = BARE_SHARE + 0.2;
/** Time between the last `add` and the first slot. */
const LEAD_MS = 15_000;
/** Length of the stretches at the beginning and at the end whose pace is compared. */
const STRETCH_SECONDS = 20;

/** One row. Every job is due once a second, for `seconds`. The bare spawns are measured before and after. */
export async function daemonRunRows(seconds = 20): Promise<Row[]> {
  const home = newHome();
  try {
    home.lsh('daemon', 'start');
    const bareBefore = await bareRunsPerSecond();
    const jobs = Math.ceil(DUE_SHARE * bareBefore);
    const { pid, socketPath } = JSON.parse(home.lsh('daemon', 'status', '-o', 'json')) as DaemonFacts;
    const client = daemonClient(socketPath, { version: 'bench' });
    const from = Math.ceil((Date.now() + LEAD_MS) / 1000) * 1000;
    addJobs(home, { jobs, from, seconds });
    if (Date.now() >= from) throw new Error('adding the jobs took longer than the lead time');
    const cpuBefore = cpuMs(pid);
    const completedAt = async (second: number) => {
      await wait(Math.max(0, from + second * 1000 - Date.now()));
      return completedOf(await client.stats({}));
    };
    const stretch = Math.min(STRETCH_SECONDS, seconds / 2);
    const first = await completedAt(stretch);
    const beforeLast = await completedAt(seconds - stretch);
    const last = (await completedAt(seconds)) - beforeLast;
    while ((await client.status({})).activeRuns > 0) await wait(200);
    const stats = await client.stats({});
    const cpu = cpuMs(pid) - cpuBefore;
    const newest = await client.runs({ limit: 2 * jobs });
    const until = Math.max(...newest.map((run) => Date.parse(run.finishedAt ?? '')));
    const bare = (bareBefore + (await bareRunsPerSecond())) / 2;
    const paces = { first: first / stretch, last: last / stretch };
    return [rowOf(stats, { slots: jobs * seconds, seconds, elapsedMs: until - from, bare, cpu, paces })];
  } finally {
    home.dispose();
  }
}

function completedOf(stats: readonly JobStats[]): number {
  return stats.reduce((total, { completed }) => total + completed, 0);
}

interface DaemonFacts {
  pid: number;
  socketPath: string;
}

interface Stretch {
  jobs: number;
  from: number;
  seconds: number;
}

/** Jobs due at every second of [from, from + seconds). A run that cannot start in its second waits. */
function addJobs(home: LshHome, { jobs, from, seconds }: Stretch): void {
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
  const documents = Array.from({ length: jobs }, (_, index) =>
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
  /** How many slots were due. */
  slots: number;
  seconds: number;
  elapsedMs: number;
  bare: number;
  cpu: number;
  /** Runs per second in the first and in the last stretch. */
  paces: { first: number; last: number };
}

function rowOf(stats: readonly JobStats[], measured: Measured): Row {
  const { slots, seconds, elapsedMs, bare, cpu, paces } = measured;
  const sum = (of: (job: JobStats) => number) => stats.reduce((total, job) => total + of(job), 0);
  const completed = completedOf(stats);
  const broken = sum((job) => job.failed + job.killed);
  const refused = sum((job) => job.missed);
  const lost = slots - completed - broken - refused;
  const value = completed / (elapsedMs / 1000);
  return {
    name: `shell runs through the daemon, ${seconds} s`,
    value,
    unit: 'runs/s',
    peers: [
      { name: 'bare spawn', value: bare },
      { name: 'in the first stretch', value: paces.first },
      { name: 'in the last stretch', value: paces.last },
      { name: 'daemon CPU ms per run', value: cpu / completed },
      { name: 'without a turn, recorded as such', value: refused },
      { name: 'failed', value: broken },
      { name: 'lost', value: lost },
    ],
    budget: `${BUDGET}, 0 lost`,
    ok: isWithinBudget(value, bare) && lost === 0 && broken === 0,
  };
}
