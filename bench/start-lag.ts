// How late a thousand jobs due in the same second start, with a trivial callback: our queue against the cron
// libraries, one after the other in one process.
import { setTimeout as wait } from 'node:timers/promises';
import { Cron } from 'croner';
import { schedule as nodeCron } from 'node-cron';
import { systemClock } from '../src/control/clock.ts';
import { Workqueue } from '../src/control/workqueue.ts';
import { compileSchedule } from '../src/core/schedule.ts';
import { percentile, type Row } from './row.ts';

const JOBS = 1000;
const SECONDS = 6;

function lagOfThisSecond(): number {
  return Date.now() % 1000;
}

async function ours(): Promise<number[]> {
  const lags: number[] = [];
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
    onClockStep: () => {},
    onReady: () => {
      for (let key = queue.take(); key !== undefined; key = queue.take()) {
        lags.push(lagOfThisSecond());
        queue.wakeAt(key, schedules.get(key)?.next(Date.now()) ?? Infinity);
        queue.done(key, true);
      }
    },
  });
  queue.start();
  for (const [key, schedule] of schedules) queue.wakeAt(key, schedule.next(Date.now()) ?? Infinity);
  await wait(SECONDS * 1000);
  queue.stop();
  return lags;
}

async function croner(): Promise<number[]> {
  const lags: number[] = [];
  const jobs = Array.from(
    { length: JOBS },
    () => new Cron('* * * * * *', () => void lags.push(lagOfThisSecond())),
  );
  await wait(SECONDS * 1000);
  for (const job of jobs) job.stop();
  return lags;
}

async function nodeCronLags(): Promise<number[]> {
  const lags: number[] = [];
  const tasks = Array.from({ length: JOBS }, () =>
    nodeCron('* * * * * *', () => void lags.push(lagOfThisSecond())),
  );
  await wait(SECONDS * 1000);
  for (const task of tasks) await task.destroy();
  return lags;
}

export async function startLagRows(): Promise<Row[]> {
  const value = percentile(await ours(), 0.99);
  return [
    {
      name: `start lag, ${JOBS} jobs due in one second, p99`,
      value,
      unit: 'ms',
      peers: [
        { name: 'croner', value: percentile(await croner(), 0.99) },
        { name: 'node-cron', value: percentile(await nodeCronLags(), 0.99) },
      ],
      budget: '<= 5 ms',
      ok: value <= 5,
    },
  ];
}
