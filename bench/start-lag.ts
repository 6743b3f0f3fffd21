// Start lag of a thousand jobs due in the same second, with a trivial callback: the queue of lsh against cron libraries,
// one after the other in one process.
import { setTimeout as wait } from 'node:timers/promises';
import { Cron } from 'croner';
import { schedule as nodeCron } from 'node-cron';
import { systemClock } from '../src/control/clock.ts';
import { Workqueue } from '../src/control/workqueue.ts';
import { compileSchedule } from '../src/core/schedule/schedule.ts';
import { median, percentile, type Row } from './row.ts';

const JOBS = 1000;
/** Seconds that do not count: a new process still compiles its code. */
const WARM_UP_SECONDS = 2;
const SECONDS = 11;

/** Lags of the callbacks, by second (milliseconds). */
class Lags {
  readonly #bySecond = new Map<number, number[]>();

  add(): void {
    const now = Date.now();
    const second = Math.floor(now / 1000);
    const lags = this.#bySecond.get(second);
    if (lags === undefined) this.#bySecond.set(second, [now % 1000]);
    else lags.push(now % 1000);
  }

  /** Median of the p99 of each second: a second in which the machine stalled says nothing about the queue. */
  async p99(): Promise<number> {
    await wait((WARM_UP_SECONDS + SECONDS) * 1000);
    const warm = [...this.#bySecond.values()].slice(WARM_UP_SECONDS, WARM_UP_SECONDS + SECONDS);
    return median(warm.map((lags) => percentile(lags, 0.99)));
  }
}

async function ours(): Promise<number> {
  const lags = new Lags();
  const schedules = new Map(
    Array.from({ length: JOBS }, (_, i) => [
      `local/job-${i}`,
      compileSchedule({
        expressions: ['* * * * * *'],
        timeZone: 'America/New_York',
        seed: `local/job-${i}`,
        anchor: 0,
      }),
    ]),
  );
  const queue: Workqueue = new Workqueue({
    clock: systemClock,
    priorityOf: () => 5,
    onTimer: () => {},
    onReady: () => {
      for (let key = queue.take(); key !== undefined; key = queue.take()) {
        lags.add();
        queue.wakeAt(key, schedules.get(key)?.next(Date.now()) ?? Infinity);
        queue.done(key, true);
      }
    },
  });
  queue.start();
  for (const [key, schedule] of schedules) queue.wakeAt(key, schedule.next(Date.now()) ?? Infinity);
  const p99 = await lags.p99();
  queue.stop();
  return p99;
}

async function croner(): Promise<number> {
  const lags = new Lags();
  const jobs = Array.from({ length: JOBS }, () => new Cron('* * * * * *', () => lags.add()));
  const p99 = await lags.p99();
  for (const job of jobs) job.stop();
  return p99;
}

async function nodeCronP99(): Promise<number> {
  const lags = new Lags();
  const tasks = Array.from({ length: JOBS }, () => nodeCron('* * * * * *', () => lags.add()));
  const p99 = await lags.p99();
  for (const task of tasks) await task.destroy();
  return p99;
}

export async function startLagRows(): Promise<Row[]> {
  const value = await ours();
  return [
    {
      name: `start lag, ${JOBS} jobs due in one second, p99`,
      value,
      unit: 'ms',
      peers: [
        { name: 'croner', value: await croner() },
        { name: 'node-cron', value: await nodeCronP99() },
      ],
      budget: '<= 5 ms',
      ok: value <= 5,
    },
  ];
}
