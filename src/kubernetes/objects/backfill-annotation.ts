// The annotation of an LshJob that requests a backfill. A user may write it by hand:
//   kubectl annotate lj NAME lsh.dev/backfill='{"from": "2026-11-01T00:00:00Z", "to": "2026-11-08T00:00:00Z"}'
import * as v from 'valibot';
import { requestOf, type BackfillRequest } from '../../core/backfill/backfill.ts';
import { stableId } from '../../core/hash.ts';
import { rfc3339 } from '../../core/rfc3339.ts';

/** A new value requests a backfill; without the annotation, the one that is under way is cancelled. */
export const BACKFILL_ANNOTATION = 'lsh.dev/backfill';

/** The API server refuses other years in a status. */
const YEARS = { from: Date.parse('0000-01-01T00:00:00Z'), to: Date.parse('9999-12-31T23:59:59Z') };

const Instant = v.pipe(
  v.string(),
  v.isoTimestamp(),
  // An offset such as +02 is ISO 8601 as well, and Date cannot read it.
  v.check((text) => {
    const at = Date.parse(text);
    return YEARS.from <= at && at <= YEARS.to;
  }, 'it is no instant of RFC 3339'),
);

const RequestSchema = v.strictObject({
  id: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(253))),
  from: Instant,
  to: Instant,
  parallel: v.optional(v.pipe(v.number(), v.integer()), 1),
  failedOnly: v.optional(v.boolean()),
  requestedBy: v.optional(v.pipe(v.string(), v.maxLength(253))),
});

const ID_LENGTH = 12;
/** An annotation may have 256 KB, and the problem repeats what is wrong in it: a status has no room for that. */
const PROBLEM_MAX_LENGTH = 300;

/** Without an id, the text is its own id: a user who writes it again requests nothing new. */
export function readBackfillRequest(text: string): BackfillRequest {
  const id = stableId(text, ID_LENGTH);
  const { success, output, issues } = v.safeParse(RequestSchema, parsed(text));
  if (success) return requestOf({ ...output, id: output.id ?? id });
  const [{ message }] = issues;
  const path = v.getDotPath(issues[0]);
  const problem = `annotation ${BACKFILL_ANNOTATION}${path === null ? '' : `, ${path}`}: ${message}`;
  return { id, from: 0, to: 0, parallel: 1, problem: problem.slice(0, PROBLEM_MAX_LENGTH) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function backfillAnnotation({ from, to, ...request }: BackfillRequest): string {
  return JSON.stringify({ ...request, from: rfc3339(from), to: rfc3339(to) });
}
