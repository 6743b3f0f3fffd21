// Notes on a valid schedule: readings that surprise, and clock changes that move, drop or repeat its slots.
import { clockEffects, type ClockEffect } from './explain.ts';
import { isEveryHour, type Pattern } from './expression/pattern.ts';
import { grammarNotes } from './grammar-notes.ts';
import { patternsOf, type ScheduleInput } from './schedule.ts';
import { zoneNamed } from './zone/zone.ts';

/**
 * One sentence each, about the year after `now` (milliseconds). Throws as compileSchedule does. Of the clock changes,
 * each pattern has the next one that moves or drops a slot and the next one that repeats a slot in real time.
 */
export function scheduleNotes(input: ScheduleInput, now: number): string[] {
  // Before zoneNamed(), which throws a RangeError for an unknown zone.
  const checked = patternsOf(input);
  const effects = clockEffects(zoneNamed(input.timeZone), checked, Math.max(0, Math.floor(now / 1000)));
  const noted = new Map<string, ClockEffect>();
  const patterns: Pattern[] = [];
  for (const effect of effects.filter(changesSlots)) {
    if (!patterns.includes(effect.pattern)) patterns.push(effect.pattern);
    const key = `${patterns.indexOf(effect.pattern)} ${effect.isGap}`;
    if (!noted.has(key)) noted.set(key, effect);
  }
  const sentences = [...noted.values()].map(
    ({ date, text }) => `Clock change of ${date} in ${input.timeZone}: ${text}.`,
  );
  return [...new Set([...grammarNotes(input.expressions), ...sentences])];
}

/** Every hour of real time keeps its distance across a change, and fixed hours run once in an overlap, as on other days. */
function changesSlots({ pattern, isGap }: ClockEffect): boolean {
  return pattern.realTime ? !isEveryHour(pattern) : isGap;
}
