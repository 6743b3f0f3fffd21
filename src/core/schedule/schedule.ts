// The public face of schedules: expressions in, slots out. The head of cron-slots.ts has the rule for clock changes.
import { HORIZON } from './cron-slots.ts';
import { parseExpression } from './expression/expression.ts';
import type { Pattern } from './expression/pattern.ts';
import type { StartMacro } from './expression/start-macros.ts';
import type { ClockEffect } from '../job.ts';
import { scheduleUnder } from './clock-effect.ts';
import { DayRules, type DayInput } from './days/day-rules.ts';
import { LimitedSchedule } from './days/limited-schedule.ts';
import { countUnion, nextOf, previousOf, type Source, type SteppedSlots } from './source.ts';
import { checkTimeZone } from './zone/zone-name.ts';
import { zoneNamed } from './zone/zone.ts';

/** When the machine and the local daemon started, as their macros. */
export type Starts = Readonly<Record<StartMacro, number>>;

/** Everything that decides a job's slots. */
export interface ScheduleInput {
  /** The slots are the union of all expressions. */
  expressions: readonly string[];
  /** IANA name. */
  timeZone: string;
  /** Seed of `H`: namespace/name, so that a job has the same slots in every process. */
  seed: string;
  /** `@every` counts from this instant, the job's creation, milliseconds. */
  anchor: number;
  /** The one slot of each start macro, milliseconds; undefined in a cluster. */
  starts?: Starts;
  /** No slot before / after these instants, milliseconds. */
  notBefore?: number;
  notAfter?: number;
  /** The one slot of a job without expressions, milliseconds. */
  at?: number | undefined;
  /** Days without slots; undefined for none. */
  days?: DayInput;
}

/** Slots are milliseconds since the epoch, always whole seconds. */
export interface Schedule extends SteppedSlots {
  /** The days that it leaves out, and the slots with them; undefined for a schedule of all days. */
  readonly limits?: LimitedSchedule;
  under(effect: ClockEffect | undefined): Schedule;
}

/** Throws SCHEDULE_INVALID, with what is wrong and a hint, unless the expression can be compiled. */
export function checkExpression(expression: string): void {
  parseExpression(expression, '-');
}

/** The slots of a job. Throws SCHEDULE_INVALID or TIMEZONE_INVALID. */
export function compileSchedule(input: ScheduleInput): Schedule {
  const schedule = new CompiledSchedule(compileSources(input), input);
  if (input.days === undefined) return schedule;
  return new LimitedSchedule(schedule, new DayRules(input.days, zoneNamed(input.timeZone)));
}

/** A class: closures of its own for each of a hundred thousand jobs would take half of a schedule's memory. */
class CompiledSchedule implements Schedule {
  readonly #sources: readonly Source[];
  /** The bounds of the slots, seconds. */
  readonly #first: number;
  readonly #last: number;

  constructor(sources: readonly Source[], { notBefore = 0, notAfter = Infinity }: ScheduleInput) {
    this.#sources = sources;
    this.#first = Math.max(0, Math.ceil(notBefore / 1000));
    this.#last = Math.min(HORIZON - 1, Math.floor(notAfter / 1000));
  }

  get hasIntervals(): boolean {
    return this.#sources.some(({ kind }) => kind === 'every' || kind === 'once');
  }

  under(effect: ClockEffect | undefined): Schedule {
    if (effect === undefined) return this;
    return {
      ...scheduleUnder(effect, this.#sources, [this.#first, this.#last]),
      hasIntervals: this.hasIntervals,
      under: (later) => this.under(later),
    };
  }

  next(after: number): number | undefined {
    const slot = nextOfSources(this.#sources, Math.max(this.#first, Math.floor(after / 1000) + 1));
    return slot <= this.#last ? slot * 1000 : undefined;
  }

  previous(atOrBefore: number, after: number): number | undefined {
    const since = Math.max(this.#first, Math.floor(after / 1000) + 1);
    const until = Math.min(this.#last, Math.floor(atOrBefore / 1000));
    const slot = previousOfSources(this.#sources, until, since);
    return slot >= since ? slot * 1000 : undefined;
  }

  count(after: number, until: number): number {
    const from = Math.max(this.#first, Math.floor(after / 1000) + 1);
    return countUnion(this.#sources, from, Math.min(this.#last, Math.floor(until / 1000)));
  }
}

/** The sources of the slots. All cron expressions make one source, whose union is counted by days. */
function compileSources(input: ScheduleInput): readonly Source[] {
  checkTimeZone(input.timeZone);
  const patterns: Pattern[] = [];
  const sources: Source[] = [];
  for (const text of new Set(input.expressions)) {
    const expression = parseExpression(text, input.seed);
    if (expression.kind === 'cron') patterns.push(expression.pattern);
    else if (expression.kind === 'every') {
      sources.push({ kind: 'every', base: Math.floor(input.anchor / 1000), seconds: expression.seconds });
    } else if (input.starts !== undefined) {
      sources.push({ kind: 'once', at: Math.floor(input.starts[expression.macro] / 1000) });
    }
  }
  if (input.at !== undefined) sources.push({ kind: 'at', at: Math.floor(input.at / 1000) });
  if (patterns.length > 0) {
    sources.push({ kind: 'cron', patterns: [...patterns], zone: zoneNamed(input.timeZone) });
  }
  // A copy has no spare capacity, which would be a third of a schedule's memory.
  return [...sources];
}

/** The patterns of the cron expressions. Throws as compileSchedule does. */
export function patternsOf(input: ScheduleInput): readonly Pattern[] {
  return compileSources(input).flatMap((source) => (source.kind === 'cron' ? source.patterns : []));
}

function nextOfSources(sources: readonly Source[], from: number): number {
  let slot = Infinity;
  for (const source of sources) slot = Math.min(slot, nextOf(source, from));
  return slot;
}

function previousOfSources(sources: readonly Source[], until: number, since: number): number {
  let slot = -Infinity;
  for (const source of sources) slot = Math.max(slot, previousOf(source, until, since));
  return slot;
}
