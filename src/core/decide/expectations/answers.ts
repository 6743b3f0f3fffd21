// Whether a job keeps what its spec expects of it, for `lsh cron get` and `explain`.
import type { JobDocument } from '../../document.ts';

/** Conditions that only some jobs have. */
const EXPECTATIONS = ['Overdue', 'Slow'] as const;
const ANSWERS = { True: 'yes', False: 'no', Unknown: 'not known' };

/** Each expectation with its answer and the reason; none for a job that expects nothing. */
export function expectations({ status }: JobDocument): [name: string, answer: string][] {
  return EXPECTATIONS.flatMap((type): [string, string][] => {
    const found = status?.conditions.find((condition) => condition.type === type);
    return found === undefined ? [] : [[type, `${ANSWERS[found.status]}. ${found.message}`]];
  });
}
