// Shell runs per second of the runner, against bare spawns of the same command in the same minute.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { forkServerProgram } from '../src/runners/subprocess/launch/fork-server.ts';
import { SubprocessRunner } from '../src/runners/subprocess/subprocess-runner.ts';
import { median, type Row } from './row.ts';
import { aUniqueJob, aRunOf } from '../test/support/builders.ts';
import { BUNDLE } from '../test/support/daemon/bundle.ts';

const CONCURRENCY = 16;
const ROUNDS = 4;
/** A ratio, because machines differ. */
export const BARE_SHARE = 0.6;
export const BUDGET = `>= ${BARE_SHARE}x the bare spawn`;

/** Whether the runs per second reach their share of the bare spawns per second. */
export function isWithinBudget(perSecond: number, bare: number): boolean {
  return perSecond >= BARE_SHARE * bare;
}

/** Alternates rounds of the two, so that other work on the machine affects both; compares medians. */
export async function shellRuns(runsPerRound = 500): Promise<Row[]> {
  const directory = mkdtempDisposableSync(join(tmpdir(), 'lsh-test-'));
  const runner = new SubprocessRunner({
    stateDir: directory.path,
    inherit: {},
    check: () => undefined,
    maxConcurrentRuns: CONCURRENCY,
    forkServer: forkServerProgram(dirname(BUNDLE)),
  });
  await runner.recover([]);
  const ours: number[] = [];
  const bare: number[] = [];
  // The handles of a runner keep no process alive.
  const keepAlive = setInterval(() => undefined, 60_000);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await bareRunsPerSecond(runsPerRound));
      ours.push(await runnerPerSecond(runner, runsPerRound));
    }
  } finally {
    clearInterval(keepAlive);
    await runner.close();
    directory.remove();
  }
  const value = Math.round(median(ours));
  return [
    {
      name: 'shell runs sustained',
      value,
      unit: 'runs/s',
      peers: [{ name: 'child_process.spawn of sh -c true, nothing kept', value: Math.round(median(bare)) }],
      budget: BUDGET,
      ok: isWithinBudget(value, median(bare)),
    },
  ];
}

/** Bare spawns per second on this machine now. */
export function bareRunsPerSecond(runs = 500): Promise<number> {
  return perSecond(runs, bareRun);
}

async function bareRun(): Promise<void> {
  const child = spawn('/bin/sh', ['-c', 'true'], { stdio: 'ignore', env: { PATH: '/usr/bin:/bin' } });
  await once(child, 'exit');
}

async function perSecond(count: number, run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let left = count;
  const lane = async () => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  return (count / (performance.now() - startedAt)) * 1000;
}

/** Throws for a run that fails: the figure counts only successful runs. */
function runnerPerSecond(runner: SubprocessRunner, count: number): Promise<number> {
  const job = aUniqueJob({ command: 'true' });
  const waiting = new Map<string, () => void>();
  runner.onChange((key) => {
    for (const seen of key === job.key ? runner.observe(key) : []) {
      if (seen.state !== 'Ended') continue;
      if (seen.exitCode !== 0) throw new Error(`a run of the bench failed: ${JSON.stringify(seen)}`);
      runner.release(seen.name);
      waiting.get(seen.name)!();
      waiting.delete(seen.name);
    }
  });
  return perSecond(count, async () => {
    const run = aRunOf(job);
    const ended = new Promise<void>((resolve) => waiting.set(run.name, resolve));
    await runner.start(job, run);
    await ended;
  });
}

if (import.meta.main) console.log(JSON.stringify(await shellRuns(), undefined, 2));
