// A schedule without the slots of days that it leaves out. A job that leaves out no day never comes here.
import type { ClockEffect } from '../../job.ts';
import type { Slots, SteppedSlots } from '../source.ts';
import type { DayRules } from './day-rules.ts';

export class LimitedSchedule implements SteppedSlots {
  /** Every slot, also of days that are left out. */
  readonly all: SteppedSlots;
  readonly rules: DayRules;

  constructor(all: SteppedSlots, rules: DayRules) {
    this.all = all;
    this.rules = rules;
  }

  get hasIntervals(): boolean {
    return this.all.hasIntervals;
  }

  /** Itself: how a reader of the interface finds the days. */
  get limits(): LimitedSchedule {
    return this;
  }

  under(effect: ClockEffect | undefined): LimitedSchedule {
    return effect === undefined ? this : new LimitedSchedule(this.all.under(effect), this.rules);
  }

  next(after: number): number | undefined {
    for (let from = after; from < Infinity;) {
      const slot = this.all.next(from);
      if (slot === undefined || !this.#isTaken(slot)) return slot;
      from = this.rules.freeAfter(slot / 1000) * 1000 - 1;
    }
    return undefined;
  }

  previous(atOrBefore: number, after: number): number | undefined {
    for (let until = atOrBefore; until > after;) {
      const slot = this.all.previous(until, after);
      if (slot === undefined || !this.#isTaken(slot)) return slot;
      until = this.rules.freeBefore(slot / 1000, after / 1000) * 1000;
    }
    return undefined;
  }

  count(after: number, until: number): number {
    return this.#stretches(after, until)
      .filter(({ by }) => by === undefined)
      .reduce((sum, { from, to }) => sum + this.all.count(from - 1000, to), 0);
  }

  /** The stretches of (after, until] that are left out, and what takes them. Milliseconds, in whole seconds. */
  taken(after: number, until: number): { after: number; until: number; by: string }[] {
    return this.#stretches(after, until).flatMap(({ from, to, by }) =>
      by === undefined ? [] : [{ after: from - 1000, until: to, by }],
    );
  }

  /** What leaves out the day of the instant; undefined for nothing. */
  takenBy(instant: number): string | undefined {
    return this.rules.takenBy(Math.floor(instant / 1000));
  }

  #stretches(after: number, until: number): { from: number; to: number; by: string | undefined }[] {
    // Without a slot at either end, the days up to there do not matter: the job may be years old.
    const first = this.all.next(after);
    const last = this.all.previous(until, after);
    if (first === undefined || last === undefined || first > last) return [];
    return this.rules
      .stretches(first / 1000, last / 1000)
      .map(({ from, to, by }) => ({ from: from * 1000, to: to * 1000, by }));
  }

  #isTaken(slot: number): boolean {
    return this.rules.takenBy(slot / 1000) !== undefined;
  }
}

/** The slots with those of the days that are left out. */
export function allSlots(schedule: Slots & { readonly limits?: LimitedSchedule }): Slots {
  return schedule.limits?.all ?? schedule;
}
