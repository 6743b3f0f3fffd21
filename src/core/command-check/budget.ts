// Bounds the work of one check. The budget counts characters and programs, not milliseconds: the same command gets the
// same verdict on a busy machine, at the time of `add` and at the time of the run.

/** Several times the work for the longest command without loops of expansion. */
const MAX_WORK = 3_000_000;
/** A value of a variable that is longer is unknown. */
export const MAX_VALUE = 256;
/** A word stands for at most so many words. */
export const MAX_WORDS = 64;
/** A character that an expansion adds costs as much as so many that the user wrote: there are at most 300,000. */
const COST_OF_EXPANSION = 10;
/** Programs that a walk visits again because a function is called. */
const MAX_REVISITS = 2_000;

/** Ends a check whose command needs more work than any that a user writes. */
export class OverBudget extends Error {}

export class Budget {
  #work = MAX_WORK;
  #revisits = MAX_REVISITS;

  /** Counts work. Throws OverBudget. */
  spend(amount: number): void {
    this.#work -= amount;
    if (this.#work < 0) throw new OverBudget();
  }

  /** Counts text that variables and braces add to what the user wrote. Throws OverBudget. */
  spendExpansion(length: number): void {
    this.spend(length * COST_OF_EXPANSION);
  }

  /** Whether a program may be visited once more. */
  mayRevisit(): boolean {
    return this.#revisits-- > 0;
  }
}
