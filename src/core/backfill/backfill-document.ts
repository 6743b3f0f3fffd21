// The backfill of a job as people and the API server see it: instants are RFC 3339. Pure.
import { rfc3339 } from '../rfc3339.ts';
import type { AllFields } from '../run.ts';
import type { BackfillPlan, LeftReason } from './plan.ts';
import { BACKFILL_PHASES, type Backfill, type BackfillPhase, type SlotRange } from './backfill.ts';

/** Slots between two instants, both included. */
export interface RangeDocument {
  from: string;
  to: string;
}

export interface BackfillDocument extends RangeDocument {
  id: string;
  phase: BackfillPhase;
  message?: string;
  parallel: number;
  failedOnly?: boolean;
  requestedBy?: string;
  slots: number;
  completed: number;
  failed: number;
  pending: (RangeDocument & { count: number; attempt?: number })[];
  startedAt: string;
  finishedAt?: string;
}

export function rangeDocument({ from, to }: SlotRange): RangeDocument {
  return { from: rfc3339(from), to: rfc3339(to) };
}

export function backfillDocument(backfill: Backfill): BackfillDocument {
  return compact({
    id: backfill.id,
    phase: backfill.phase,
    message: backfill.message,
    ...rangeDocument(backfill),
    parallel: backfill.parallel,
    failedOnly: backfill.failedOnly,
    requestedBy: backfill.requestedBy,
    slots: backfill.slots,
    completed: backfill.completed,
    failed: backfill.failed,
    pending: backfill.pending.map(({ count, attempt, ...range }) => ({
      ...rangeDocument(range),
      count,
      ...(attempt !== undefined && { attempt }),
    })),
    startedAt: rfc3339(backfill.startedAt),
    finishedAt: backfill.finishedAt === undefined ? undefined : rfc3339(backfill.finishedAt),
  } satisfies AllFields<BackfillDocument>);
}

/** A hand edit can leave texts that are no instants; such a range holds no slot. */
function readRange({ from, to }: RangeDocument): SlotRange {
  return { from: instant(from), to: instant(to) };
}

function instant(text: string): number {
  return Date.parse(text) || 0;
}

export function readRanges(ranges: readonly RangeDocument[] | undefined): SlotRange[] | undefined {
  return ranges?.map(readRange);
}

/** Stands in for what a hand edit removed. */
const NO_PROGRESS = {
  from: '',
  to: '',
  parallel: 1,
  slots: 0,
  completed: 0,
  failed: 0,
  pending: [],
  startedAt: '',
} satisfies Partial<BackfillDocument>;

/** Undefined for a (hand-edited) backfill without an id or a known phase. */
export function readBackfill(shown: Partial<BackfillDocument> | undefined): Backfill | undefined {
  const { id, phase, ...backfill } = { ...NO_PROGRESS, ...shown };
  if (id === undefined || phase === undefined || !BACKFILL_PHASES.includes(phase)) return undefined;
  const { failedOnly, requestedBy, message, finishedAt } = backfill;
  return compact({
    id,
    phase,
    message,
    ...readRange(backfill),
    parallel: backfill.parallel,
    failedOnly,
    requestedBy,
    slots: backfill.slots,
    completed: backfill.completed,
    failed: backfill.failed,
    pending: backfill.pending.map(({ count, attempt, ...range }) => ({
      ...readRange(range),
      count,
      ...(attempt !== undefined && { attempt }),
    })),
    startedAt: instant(backfill.startedAt),
    finishedAt: finishedAt === undefined ? undefined : instant(finishedAt),
  } satisfies AllFields<Backfill>);
}

/** The slots that a backfill runs, and those that it leaves out. */
export interface PlanDocument {
  job: string;
  /** Oldest first. */
  slots: { slot: string; attempt: number; run: string }[];
  /** How many slots are left out, by reason. */
  left: Partial<Record<LeftReason, number>>;
}

export function planDocument(job: string, { slots, left }: BackfillPlan): PlanDocument {
  return { job, slots: slots.map(({ slot, ...rest }) => ({ slot: rfc3339(slot), ...rest })), left };
}

/** Copies the object without undefined values: JSON would drop their keys, YAML would print them. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
