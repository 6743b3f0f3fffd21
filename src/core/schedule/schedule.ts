// The public face of schedules: expressions in, slots out. The head of cron-slots.ts has the rule for clock changes.
import { HORIZON } from './cron-slots.ts';
import { parseExpression } from './expression/expression.ts';
import type { Pattern } from './expression/pattern.ts';
import type { StartMacro } from './expression/start-macros.ts';
import type { ClockEffect } from '../job.ts';
import { scheduleUnder } from './clock-effect.ts';
import { countUnion, nextOf, previousOf, type Slots, type Source } from './source.ts';
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
}

/** Slots are milliseconds since the epoch, always whole seconds. */
export interface Schedule extends Slots {
  /** Whether a slot comes from an interval or from `@reboot`. */
  readonly hasIntervals: boolean;
  /** The schedule after steps of the wall clock. */
  under(effect: ClockEffect | undefined): Schedule;
}

/** Throws SCHEDULE_INVALID, with what is wrong and a hint, unless the expression can be compiled. */
export function checkExpression(expression: string): void {
  parseExpression(expression, '-');
}

/** The slots of a job. Throws SCHEDULE_INVALID or TIMEZONE_INVALID. */
export function compileSchedule(input: ScheduleInput): Schedule {
  const sources = compileSources(input);
  const first = Math.max(0, Math.ceil((input.notBefore ?? 0) / 1000));
  const last = Math.min(HORIZON - 1, Math.floor((input.notAfter ?? Infinity) / 1000));
  const schedule: Schedule = {
    hasIntervals: sources.some(({ kind }) => kind !== 'cron'),
    under: (effect) =>
      effect === undefined ? schedule : { ...schedule, ...scheduleUnder(effect, sources, [first, last]) },
    next(after) {
      const slot = nextOfSources(sources, Math.max(first, Math.floor(after / 1000) + 1));
      return slot <= last ? slot * 1000 : undefined;
    },
    previous(atOrBefore, after) {
      const since = Math.max(first, Math.floor(after / 1000) + 1);
      const slot = previousOfSources(sources, Math.min(last, Math.floor(atOrBefore / 1000)), since);
      return slot >= since ? slot * 1000 : undefined;
    },
    count(after, until) {
      const from = Math.max(first, Math.floor(after / 1000) + 1);
      return countUnion(sources, from, Math.min(last, Math.floor(until / 1000)));
    },
  };
  return schedule;
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
