// Explains slots in words: local time, offset, and what a clock change does to them.
import { grammarNotes } from './grammar-notes.ts';
import { compileSchedule, patternsOf, type Schedule, type ScheduleInput } from './schedule.ts';
import { civilDate, DAY_SECONDS } from './calendar.ts';
import { runsAfterGap } from './cron-slots.ts';
import type { Pattern } from './expression/pattern.ts';
import { nextWall, previousWall } from './wall.ts';
import { offsetBefore, segmentAt, segmentEnd, zoneNamed, zoneOffset, type Zone } from './zone/zone.ts';
import { offsetText } from './zone/zoned-instant.ts';

export interface ExplainedSlot {
  /** Milliseconds since the epoch. */
  slot: number;
  /** Local time, `2026-03-08 03:00:00`. */
  wall: string;
  /** `-04:00`. */
  utcOffset: string;
  /** What a clock change does to this slot; undefined when none touches it. */
  note?: string;
}

/** Slots in a row that have no run because their days are left out. */
export interface TakenSlots {
  /** First and last slot, milliseconds since the epoch. */
  from: number;
  to: number;
  count: number;
  /** `exceptDates`, or the name of the calendar. */
  by: string;
}

export interface Explanation {
  slots: ExplainedSlot[];
  /** The slots between the instant and the last of `slots` whose days are left out. */
  taken: TakenSlots[];
  /** The notes on the expressions, and what each clock change of the coming year does to the schedule. */
  warnings: string[];
}

const LOOK_AHEAD = 366 * DAY_SECONDS;

/** The next `n` slots after an instant (milliseconds), explained. Throws as compileSchedule does. */
export function explainSlots(input: ScheduleInput, after: number, n: number): Explanation {
  const schedule = compileSchedule(input);
  const zone = zoneNamed(input.timeZone);
  const patterns = patternsOf(input);
  const slots: ExplainedSlot[] = [];
  for (let slot = schedule.next(after); slot !== undefined && slots.length < n; slot = schedule.next(slot)) {
    slots.push(explainSlot(slot, zone, patterns));
  }
  const taken = takenSlots(schedule, after, slots.at(-1)?.slot ?? after);
  const effects = clockEffects(zone, patterns, Math.max(0, Math.floor(after / 1000)));
  const warnings = effects.map(({ date, text }) => `${date}: ${text}`);
  return { slots, taken, warnings: [...new Set([...grammarNotes(input.expressions), ...warnings])] };
}

function takenSlots({ limits }: Schedule, after: number, until: number): TakenSlots[] {
  if (limits === undefined) return [];
  const { all } = limits;
  return limits.taken(after, until).flatMap(({ by, ...span }) => {
    const from = all.next(span.after);
    const to = all.previous(span.until, span.after);
    if (from === undefined || to === undefined) return [];
    return [{ from, to, count: all.count(span.after, span.until), by }];
  });
}

function explainSlot(slot: number, zone: Zone, patterns: readonly Pattern[]): ExplainedSlot {
  const seconds = slot / 1000;
  const offset = zoneOffset(zone, seconds);
  const wall = seconds + offset;
  const notes = new Set(patterns.flatMap((pattern) => slotNote(pattern, zone, seconds) ?? []));
  const explained = {
    slot,
    wall: `${dateText(wall)} ${clockText(wall, true)}`,
    utcOffset: offsetText(offset),
  };
  return notes.size === 0 ? explained : { ...explained, note: [...notes].join('; ') };
}

function slotNote(pattern: Pattern, zone: Zone, slot: number): string | undefined {
  const segment = segmentAt(zone, slot);
  const wall = slot + zone.offsets[segment]!;
  if (slot === zone.starts[segment] && runsAfterGap(pattern, zone, segment)) {
    const change = changeAt(zone, segment);
    const skipped = dateText(change.from);
    return gapText(pattern, change, skipped === dateText(wall) ? ' on this day' : ` on ${skipped}`);
  }
  if (nextWall(pattern, wall) !== wall) return undefined;
  const repeats = [changeAt(zone, segment), changeAt(zone, segment + 1)].some((change) =>
    isRepeated(wall, change),
  );
  return repeats ? `${clockText(wall)} happens twice on this day; ${overlapRule(pattern)}` : undefined;
}

/** A clock change: from wall time `from` the clock is set to `to`, later for a gap, earlier for an overlap. */
interface ClockChange {
  from: number;
  to: number;
}

function changeAt(zone: Zone, segment: number): ClockChange {
  const at = zone.starts[segment] ?? zone.to;
  const from = at + offsetBefore(zone, segment);
  return { from, to: at + (zone.offsets[segment] ?? offsetBefore(zone, segment)) };
}

function isRepeated(wall: number, { from, to }: ClockChange): boolean {
  return to <= wall && wall < from;
}

/** What one clock change does to one pattern. */
export interface ClockEffect {
  /** The day of the change, `2026-03-08`. */
  date: string;
  pattern: Pattern;
  /** The clock skips times of the pattern; otherwise it repeats them. */
  isGap: boolean;
  /** A clause without its full stop. */
  text: string;
}

/** The effects of the clock changes in the year after an instant (seconds), in order. */
export function clockEffects(zone: Zone, patterns: readonly Pattern[], after: number): ClockEffect[] {
  const found: ClockEffect[] = [];
  for (let at = segmentEnd(zone, segmentAt(zone, after)); at <= after + LOOK_AHEAD;) {
    const segment = segmentAt(zone, at);
    const change = changeAt(zone, segment);
    const date = dateText(Math.min(change.from, change.to));
    for (const pattern of patterns) {
      const text = at === zone.starts[segment] ? effectText(pattern, change) : undefined;
      if (text !== undefined) found.push({ date, pattern, isGap: change.to > change.from, text });
    }
    at = segmentEnd(zone, segment);
  }
  return found;
}

function effectText(pattern: Pattern, change: ClockChange): string | undefined {
  const { from, to } = change;
  const isTouched = nextWall(pattern, Math.min(from, to)) < Math.max(from, to);
  if (!isTouched) return undefined;
  if (to > from) return gapText(pattern, change, '');
  return `${spanText(pattern, to, from)} ${isSingle(pattern, to, from) ? 'happens' : 'happen'} twice; ${overlapRule(pattern)}`;
}

function overlapRule(pattern: Pattern): string {
  return pattern.realTime ? 'follows real time: both passes run' : 'runs the first time';
}

function gapText(pattern: Pattern, { from, to }: ClockChange, day: string): string {
  const single = isSingle(pattern, from, to);
  const missing = `${spanText(pattern, from, to)} ${single ? 'does' : 'do'} not exist${day}`;
  if (pattern.realTime) return `${missing}; follows real time: no run for ${single ? 'it' : 'them'}`;
  const run = dateText(from) === dateText(to) ? clockText(to) : `${dateText(to)} ${clockText(to)}`;
  return `${missing}; runs ${single ? '' : 'once '}at ${run}`;
}

function isSingle(pattern: Pattern, from: number, to: number): boolean {
  return nextWall(pattern, from) === previousWall(pattern, to - 1);
}

/** The slots' wall times in [from, to): one, or first to last. */
function spanText(pattern: Pattern, from: number, to: number): string {
  const first = clockText(nextWall(pattern, from));
  return isSingle(pattern, from, to) ? first : `${first} to ${clockText(previousWall(pattern, to - 1))}`;
}

function dateText(wall: number): string {
  const { year, month, day } = civilDate(Math.floor(wall / DAY_SECONDS));
  return `${year}-${two(month)}-${two(day)}`;
}

/** `02:30`; with seconds where there are some, or always. */
function clockText(wall: number, withSeconds = wall % 60 !== 0): string {
  const time = wall - Math.floor(wall / DAY_SECONDS) * DAY_SECONDS;
  const minutes = `${two(Math.floor(time / 3600))}:${two(Math.floor((time % 3600) / 60))}`;
  return withSeconds ? `${minutes}:${two(time % 60)}` : minutes;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
