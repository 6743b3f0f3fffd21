// A burst of commands: 300 jobs due at the same instant, beside the programs that users would pick instead. A command
// writes when it began, so its lag contains everything between the slot and the first instruction of the command.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { debianCron, lshDaemon, supercronic, type Contender } from './burst-contenders.ts';
import { rssMb, treeCpuMs } from './lsh-process.ts';
import { percentile, type Row } from './row.ts';

const JOBS = 300;
const ROUNDS = 2;
/** Time between the start of a contender's round and its first slot: it reads its jobs. */
const LEAD_MS = 5_000;
/** Budgets as multiples of supercronic. */
const LAG_BUDGET = 1;
const CPU_BUDGET = 1.3;

interface Measured {
  /** Milliseconds from the slot to the start of each command. */
  lags: number[];
  /** CPU of the program and its commands, milliseconds per command. */
  cpuPerRun: number;
  rss: number;
  lost: number;
}

/** `slots` for each of lsh and supercronic, in alternating rounds; cron, which knows minutes only, gets one. */
export async function burstRows(slots = 12): Promise<Row[]> {
  const lsh = lshDaemon(JOBS);
  const other = supercronic(JOBS);
  const cron = debianCron(JOBS);
  try {
    const ours: Measured[] = [];
    const theirs: Measured[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      if (other) theirs.push(await measure(other, slots / ROUNDS));
      ours.push(await measure(lsh, slots / ROUNDS));
    }
    const minute = cron && (await measure(cron, 1));
    return rowsOf(together(ours), theirs.length > 0 ? together(theirs) : undefined, minute);
  } finally {
    lsh.dispose();
    other?.dispose();
    cron?.dispose();
  }
}

async function measure(contender: Contender, slots: number): Promise<Measured> {
  const { periodMs } = contender;
  const from = Math.ceil((Date.now() + LEAD_MS) / periodMs) * periodMs;
  const until = from + slots * periodMs;
  const running = await contender.run(from, until);
  if (Date.now() >= from) throw new Error(`${contender.name} was ready only after its first slot`);
  const before = treeCpuMs(running.pid);
  const startsOf = () => instants(join(contender.directory, 'starts'), from, until);
  // A program that cannot keep up ends later; its CPU counts until its last command has ended.
  await wait(from + (slots - 1) * periodMs + Math.min(periodMs, 3000) - Date.now());
  while ((await running.active()) > 0) await wait(100);
  const starts = startsOf();
  const cpu = treeCpuMs(running.pid) - before;
  const rss = rssMb(running.pid);
  await running.end();
  const lags = starts.map((at) => (at - from) % periodMs);
  return { lags, cpuPerRun: cpu / starts.length, rss, lost: slots * JOBS - starts.length };
}

/** The instants that the commands wrote, milliseconds. */
function instants(file: string, from: number, until: number): number[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => Number(line) * 1000).filter((at) => at >= from && at < until);
}

function together(rounds: readonly Measured[]): Measured {
  const mean = (of: (round: Measured) => number) =>
    rounds.reduce((sum, round) => sum + of(round), 0) / rounds.length;
  return {
    lags: rounds.flatMap(({ lags }) => lags),
    cpuPerRun: mean(({ cpuPerRun }) => cpuPerRun),
    rss: Math.max(...rounds.map(({ rss }) => rss)),
    lost: rounds.reduce((sum, { lost }) => sum + lost, 0),
  };
}

function rowsOf(ours: Measured, theirs: Measured | undefined, cron: Measured | undefined): Row[] {
  const others = [
    ['supercronic', theirs],
    ['cron', cron],
  ] as const;
  const row = (name: string, unit: string, budgetTimes: number, of: (measured: Measured) => number): Row => ({
    name: `${JOBS} commands due at once, ${name}`,
    value: of(ours),
    unit,
    peers: others.flatMap(([peer, measured]) => (measured ? [{ name: peer, value: of(measured) }] : [])),
    budget: theirs ? `<= ${budgetTimes}x supercronic, 0 lost` : 'not judged: supercronic is absent',
    ok: theirs === undefined || (of(ours) <= budgetTimes * of(theirs) && ours.lost === 0),
  });
  const lag = (share: number) => (measured: Measured) => percentile(measured.lags, share);
  const p99 = row('start lag p99', 'ms', LAG_BUDGET, lag(0.99));
  p99.peers.unshift({ name: 'lost', value: ours.lost });
  const cpu = row('CPU per command', 'ms', CPU_BUDGET, ({ cpuPerRun }) => cpuPerRun);
  cpu.peers.push(
    { name: 'RSS MB', value: ours.rss },
    ...others.flatMap(([peer, measured]) =>
      measured ? [{ name: `RSS MB of ${peer}`, value: measured.rss }] : [],
    ),
  );
  return [row('start lag p50', 'ms', LAG_BUDGET, lag(0.5)), p99, cpu];
}
