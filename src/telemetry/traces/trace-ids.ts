// The place of a run in a trace. The ids follow from the identity of the run: every process that meets the run knows
// them, also after a crash or a change of the leader, and no record has a field for them.
import { hash } from 'node:crypto';
import { firstAttemptName } from '../../core/naming.ts';
import type { Run } from '../../core/run.ts';

export interface TraceIds {
  traceId: string;
  spanId: string;
}

type Identity = Pick<Run, 'jobUid' | 'name'>;

const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

/** The trace of all attempts, and the span of this one. */
export function traceIdsOf({ jobUid, name }: Identity): TraceIds {
  return {
    traceId: digits(`trace\n${jobUid}\n${firstAttemptName(name)}`, TRACE_ID_DIGITS),
    spanId: digits(`span\n${jobUid}\n${name}`, SPAN_ID_DIGITS),
  };
}

/** The value of TRACEPARENT, after W3C Trace Context: version 00, and sampled, because every run has its span. */
export function traceparentOf(run: Identity): string {
  const { traceId, spanId } = traceIdsOf(run);
  return `00-${traceId}-${spanId}-01`;
}

/** One-way: the command of a shell run must not learn the uid of its LshJob. */
function digits(text: string, length: number): string {
  return hash('sha256', text, 'hex').slice(0, length);
}
