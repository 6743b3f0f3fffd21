// Cost of one evaluation of a hundred thousand jobs of which twenty are due: the heap of lsh against a linear scan.
import type { Clock } from '../src/control/ports.ts';
import { Workqueue } from '../src/control/workqueue.ts';
import { median, type Row } from './row.ts';

const JOBS = 100_000;
const DUE = 20;
const ROUNDS = 15;

/** A clock whose timers the bench fires. */
function steppedClock(): Clock & { step(ms: number): void } {
  let now = 0;
  let timers: { time: number; callback: () => void }[] = [];
  return {
    now: () => now,
    monotonic: () => now,
    uptime: () => now,
    at(time, callback) {
      const timer = { time, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    step(ms) {
      now += ms;
      const due = timers.filter((timer) => timer.time <= now);
      timers = timers.filter((timer) => timer.time > now);
      for (const { callback } of due) callback();
    },
  };
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export function evaluationRows(): Row[] {
  const clock = steppedClock();
  const queue = new Workqueue({ clock, priorityOf: () => 5, onReady: () => {}, onTimer: () => {} });
  queue.start();
  const nextAt = new Map<string, number>();
  for (let i = 0; i < JOBS; i++) {
    const key = `local/job-${i}`;
    const at = 60_000 * (1 + Math.floor(i / DUE));
    queue.wakeAt(key, at);
    nextAt.set(key, at);
  }
  const ours: number[] = [];
  const scans: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(
      cpuMs(() => {
        clock.step(60_000);
        for (let key = queue.take(); key !== undefined; key = queue.take()) queue.done(key, true);
      }),
    );
    scans.push(cpuMs(() => void [...nextAt].filter(([, at]) => at === clock.now())));
  }
  queue.stop();
  const value = median(ours);
  return [
    {
      name: `evaluating ${JOBS} jobs with ${DUE} due`,
      value,
      unit: 'ms CPU',
      peers: [{ name: 'linear scan', value: median(scans) }],
      budget: '<= 5 ms',
      ok: value <= 5,
    },
  ];
}
