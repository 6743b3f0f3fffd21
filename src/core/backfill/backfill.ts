// A backfill: past slots of a job that a user wants to run. The request is part of the job, its progress part of the status,
// so that a restart of the daemon or of the leader changes nothing.

/** Most slots of one backfill. */
export const BACKFILL_MAX_SLOTS = 1000;
/** Most runs of a backfill that are active at a time. */
export const BACKFILL_MAX_PARALLEL = 50;

/** Which slots: both instants included, milliseconds. */
export interface SlotRange {
  from: number;
  to: number;
}

/** The request of a user. */
export interface BackfillRequest extends SlotRange {
  /** Unique per request. A repeated id is the same request. */
  id: string;
  /** Most active runs of the backfill. A job whose policy is not Allow has one at a time. */
  parallel: number;
  /** Runs only slots again whose last run did not complete. */
  failedOnly?: boolean;
  requestedBy?: string;
  /** Why the request cannot be read; only where the platform could not refuse it. */
  problem?: string;
}

/** The request of an order, whose instants are RFC 3339. Slots are whole seconds. */
export function requestOf(
  order: Omit<BackfillRequest, 'from' | 'to' | 'problem'> & Ordered,
): BackfillRequest {
  const { id, from, to, parallel, failedOnly, requestedBy } = order;
  return {
    id,
    from: Math.ceil(Date.parse(from) / 1000) * 1000,
    to: Math.floor(Date.parse(to) / 1000) * 1000,
    parallel,
    ...(failedOnly && { failedOnly }),
    ...(requestedBy !== undefined && { requestedBy }),
  };
}

interface Ordered {
  from: string;
  to: string;
}

export const BACKFILL_PHASES = [
  'Running',
  'Completed', // each of its slots has a run, and the runs have ended
  'Cancelled', // a user cancelled it, or the schedule changed
  'Refused', // the message says why
] as const;
export type BackfillPhase = (typeof BACKFILL_PHASES)[number];

/** Slots of the backfill that have no run of it yet: consecutive slots of the schedule. */
export interface PendingSlots extends SlotRange {
  count: number;
  /** Number of the attempt, if the slot had runs before. Such slots stand alone. */
  attempt?: number;
}

/** The newest backfill of a job, and how far it is. */
export interface Backfill extends Omit<BackfillRequest, 'problem'> {
  phase: BackfillPhase;
  message?: string;
  /** How many slots it runs. */
  slots: number;
  /** How many of them ended with a completed run. */
  completed: number;
  /** How many of them ended otherwise. */
  failed: number;
  /** Oldest first. */
  pending: PendingSlots[];
  startedAt: number;
  finishedAt?: number;
}

export function isRunning(backfill: Backfill | undefined): backfill is Backfill {
  return backfill?.phase === 'Running';
}

/** Ranges of earlier backfills that a status remembers. */
const RANGES_MAX = 20;

/**
 * Adds a range to the ranges whose slots have had their backfill, oldest first. Beyond the limit the closest two become
 * one: the slots between them then count as run, because a slot that ran must never run again.
 */
export function withRange(ranges: readonly SlotRange[], added: SlotRange): SlotRange[] {
  const merged: SlotRange[] = [];
  for (const range of [...ranges, added].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to + 1000) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  while (merged.length > RANGES_MAX) joinClosest(merged);
  return merged;
}

function joinClosest(ranges: SlotRange[]): void {
  const gaps = ranges.slice(1).map(({ from }, index) => from - ranges[index]!.to);
  const index = gaps.indexOf(Math.min(...gaps));
  ranges.splice(index, 2, { from: ranges[index]!.from, to: ranges[index + 1]!.to });
}
