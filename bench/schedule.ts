// Schedules: time to find the next slot in a zone, and memory of a compiled schedule.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';
import { compileSchedule } from '../src/core/schedule/schedule.ts';
import type { Row } from './row.ts';

const ZONE = 'America/New_York';
const WEEKLY = '0 2 * * 0';
const START = Date.UTC(2026, 0, 1);
const ROUNDS = 3;
/** Slots after which each library starts again at START, so that all work on the same years. */
const SLOTS = 250;

/** The two schedule budgets, with croner and cron-parser in the same run. */
export function scheduleRows(): Row[] {
  return [nextSlots(), retainedBytes(), compiles()];
}

function nextSlots(): Row {
  const value = perSecond(ourNext(), 400_000);
  const peers = [
    { name: 'croner', value: perSecond(cronerNext(), 20_000) },
    { name: 'cron-parser', value: perSecond(cronParserNext(), 5000) },
  ];
  const name = `next slot of ${WEEKLY} in ${ZONE}`;
  return { name, value, unit: '/s', peers, budget: '>= 500000', ok: value >= 500_000 };
}

function ourNext(): () => void {
  const schedule = ours(WEEKLY);
  let slot = START;
  let found = 0;
  return () => {
    slot = schedule.next(found++ % SLOTS === 0 ? START : slot)!;
  };
}

function cronerNext(): () => void {
  const cron = new Cron(WEEKLY, { timezone: ZONE });
  let slot = new Date(START);
  let found = 0;
  return () => {
    slot = cron.nextRun(found++ % SLOTS === 0 ? new Date(START) : slot)!;
  };
}

function cronParserNext(): () => void {
  const cron = cronParser(WEEKLY);
  let found = 0;
  return () => {
    if (found++ % SLOTS === 0) cron.reset(new Date(START));
    cron.next();
  };
}

function retainedBytes(): Row {
  const value = bytesEach(10_000, ours);
  const peers = [
    { name: 'croner', value: bytesEach(300, cronerAfterUse) },
    { name: 'cron-parser', value: bytesEach(2000, cronParser) },
  ];
  return { name: 'memory per schedule', value, unit: 'bytes', peers, budget: '<= 1024', ok: value <= 1024 };
}

function compiles(): Row {
  let made = 0;
  const value = 1e6 / perSecond(() => ours(distinct(made++)), 20_000);
  const peers = [
    { name: 'croner', value: 1e6 / perSecond(() => cronerAfterUse(distinct(made++)), 300) },
    { name: 'cron-parser', value: 1e6 / perSecond(() => cronParser(distinct(made++)), 3000) },
  ];
  return { name: 'compiling a schedule', value, unit: 'us', peers, budget: '<= 100', ok: value <= 100 };
}

function ours(expression: string): ReturnType<typeof compileSchedule> {
  return compileSchedule({ expressions: [expression], timeZone: ZONE, seed: 'local/bench', anchor: START });
}

/** croner builds its tables at the first call. */
function cronerAfterUse(expression: string): Cron {
  const cron = new Cron(expression, { timezone: ZONE });
  cron.nextRun(new Date(START));
  return cron;
}

function cronParser(expression: string): ReturnType<typeof CronExpressionParser.parse> {
  return CronExpressionParser.parse(expression, { tz: ZONE, currentDate: new Date(START) });
}

function distinct(index: number): string {
  return `${index % 60} ${Math.floor(index / 60) % 24} ${1 + (Math.floor(index / 1440) % 28)} * ${index % 7}`;
}

/** The best of several rounds, which other work on the machine disturbs least. */
function perSecond(act: () => void, times: number): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    for (let index = 0; index < times; index++) act();
    best = Math.min(best, performance.now() - started);
  }
  return Math.round((times / best) * 1000);
}

function bytesEach(count: number, make: (expression: string) => object): number {
  for (let index = 0; index < count; index++) make(distinct(index));
  const before = heapAfterCollection();
  const kept = Array.from({ length: count }, (_, index) => make(distinct(index)));
  const after = heapAfterCollection();
  return Math.round((after - before) / kept.length);
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
