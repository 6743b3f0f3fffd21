// Why a slot has no run, in words.
import type { SlotDocument } from '../../document.ts';
import type { SlotCause } from '../../run.ts';
import { takenText } from '../../schedule/days/day-rules.ts';

const CAUSES: Record<SlotCause, string> = {
  NotEvaluated: 'lsh did not evaluate schedules then: the daemon was not running, or no operator was leading',
  EvaluatedLate: 'lsh evaluated it late: its process was stopped or busy, or the machine slept',
  LedgerFailed: 'lsh could not write its records then: the disk was full, or the API server did not answer',
  ClockSetAhead: 'the clock was set ahead and jumped over it',
  StartingDeadline: 'lsh found it later than startingDeadlineSeconds allows',
  Suspended: 'the job was suspended',
  RunActive: 'another run of the job was active, and concurrencyPolicy is Forbid',
  QueueFull: 'too many runs of the job were waiting already',
};

/** Why a slot has no run, in words. Returns an unknown cause as it is: a newer lsh may have recorded it. */
export function causeText({ outcome, cause }: Pick<SlotDocument, 'outcome' | 'cause'>): string {
  if (cause === undefined) return 'the cause was not recorded';
  if (outcome === 'Excluded') return takenText(cause);
  return cause in CAUSES ? CAUSES[cause as SlotCause] : cause;
}
