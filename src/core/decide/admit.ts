// Turns due slots and manual requests into runs, or refuses them under the concurrency policy.
import { activeRuns, put, requestStop, type Draft } from './draft.ts';
import type { Owed, Stretch } from './slots/owed.ts';
import { stableFraction } from '../hash.ts';
import type { JobKey } from '../job.ts';
import { QUEUE_MAX_LENGTH, type JobSpec } from '../spec/job-spec.ts';
import { manualRunName, slotRunName } from '../naming.ts';
import type { Run, RunTrigger, SlotCause, SlotOutcome, SlotRecord } from '../run.ts';
import { passOf } from '../schedule/clock-effect.ts';

type ConcurrencyPolicy = JobSpec['concurrencyPolicy'];

/** Records an outcome for every owed slot, and moves the cursor past them. */
export function admitSlots(draft: Draft, owed: Owed): void {
  for (const stretch of owed.dropped) recordDropped(draft, stretch);
  const policy = slotPolicy(draft.job.spec, owed);
  for (const slot of owed.catchUp) admitSlot(draft, { slot, trigger: 'CatchUp', policy });
  if (owed.onTime !== undefined) admitSlot(draft, { slot: owed.onTime, trigger: 'Schedule', policy });
  draft.accountedUntil = owed.accountedUntil;
}

/** `missedRunPolicy: All` promises each late slot a run, so the slots of one evaluation queue and refuse no other. */
function slotPolicy({ missedRunPolicy, concurrencyPolicy }: JobSpec, { catchUp }: Owed): ConcurrencyPolicy {
  const isBacklog = missedRunPolicy === 'All' && catchUp.length > 0;
  return isBacklog && concurrencyPolicy !== 'Allow' ? 'Queue' : concurrencyPolicy;
}

/**
 * Records a stretch that ends without a run. A user wants suspended and excluded slots, so they cause no event and no
 * count.
 */
function recordDropped(draft: Draft, stretch: Stretch): void {
  const slots = { job: draft.job.key, ...passed(draft, stretch.from), ...stretch, recordedAt: draft.now };
  if (isWanted(stretch.outcome)) draft.slots.push(slots);
  else recordNotRun(draft, slots);
}

/** Whether the user asked for slots without a run: nothing was missed. */
export function isWanted(outcome: SlotOutcome): boolean {
  return outcome === 'Suspended' || outcome === 'Excluded';
}

function recordNotRun(draft: Draft, slots: SlotRecord): void {
  draft.slots.push(slots);
  draft.totals.missed += slots.count;
  draft.events.push({ kind: 'SlotsNotRun', slots });
}

interface DueSlot {
  slot: number;
  trigger: RunTrigger;
  policy: ConcurrencyPolicy;
}

function admitSlot(draft: Draft, { slot, trigger, policy }: DueSlot): void {
  const { job, now } = draft;
  const run = newRun(draft, {
    name: slotRunName(job.name, slot, 1, passOf(draft.clockEffect, slot)),
    trigger,
    slot,
    ...passed(draft, slot),
    startAfter: slot + jitterMs(job.key, slot, job.spec.jitterSeconds),
  });
  const refusal = admit(draft, run, policy);
  const base = { job: job.key, from: slot, to: slot, count: 1, ...passed(draft, slot), recordedAt: now };
  if (refusal === undefined) draft.slots.push({ ...base, outcome: 'Ran', run: run.name });
  else recordNotRun(draft, { ...base, outcome: 'Forbidden', cause: refusal });
}

function passed({ clockEffect }: Draft, slot: number): Pick<Run, 'pass'> {
  const pass = passOf(clockEffect, slot);
  return pass === undefined ? {} : { pass };
}

/**
 * Returns the delay of a slot: whole milliseconds in [0, jitterSeconds * 1000). A hash of job and slot gives it, so
 * every replica computes the same delay.
 */
export function jitterMs(job: JobKey, slot: number, jitterSeconds: number): number {
  return Math.floor(stableFraction(`${job}@${slot}`) * jitterSeconds * 1000);
}

/** Handles the pending manual trigger, once per id. Returns the id of the last handled trigger. */
export function admitTrigger(draft: Draft): string | undefined {
  const { job, now } = draft;
  const { trigger, status } = job;
  if (trigger === undefined || trigger.id === status?.lastHandledTrigger) return status?.lastHandledTrigger;
  const run = newRun(draft, {
    name: manualRunName(job.name, trigger.id, 1),
    trigger: 'Manual',
    slot: Math.floor(now / 1000) * 1000,
    startAfter: now,
    triggerId: trigger.id,
    requestedBy: trigger.requestedBy,
  });
  const refusal = admit(draft, run, job.spec.concurrencyPolicy);
  if (refusal !== undefined) draft.events.push({ kind: 'TriggerForbidden', cause: refusal });
  return trigger.id;
}

type RunStart = Pick<
  Run,
  'name' | 'trigger' | 'slot' | 'pass' | 'startAfter' | 'triggerId' | 'requestedBy' | 'cause'
>;

export function newRun({ job, now }: Draft, start: RunStart): Run {
  return {
    job: job.key,
    jobUid: job.uid,
    attempt: 1,
    executor: job.spec.executor,
    phase: 'Created',
    createdAt: now,
    ...start,
  };
}

/** Adds the run under the concurrency policy, or returns the cause of its refusal. */
export function admit(draft: Draft, run: Run, policy: ConcurrencyPolicy): SlotCause | undefined {
  if (draft.runs.has(run.name)) return undefined; // its name is its identity: adding it again changes nothing
  // A backfill fills gaps and must not make new ones: its run drops no other and is replaced by none, which waits for its end.
  const others = activeRuns(draft).filter(({ trigger }) => trigger !== 'Backfill');
  if (others.length > 0 && policy === 'Forbid') return 'RunActive';
  // Under Allow, only the runs that wait for a concurrency group could become too many for the ledger.
  const mayWait = policy === 'Queue' || (policy === 'Allow' && draft.job.spec.concurrencyGroup !== undefined);
  if (mayWait && others.filter((other) => other.phase === 'Created').length >= QUEUE_MAX_LENGTH) {
    return 'QueueFull';
  }
  if (policy === 'Replace') for (const other of others) requestStop(draft, other, 'Replaced');
  put(draft, run);
  return undefined;
}
