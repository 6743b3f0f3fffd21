// Jobs after jobs: a run for each end of a job that this one follows. The ends are numbered when they are recorded, and this
// job records the number up to which it has followed them: a crash between the two loses no end, and none is followed twice.
import { admit, jitterMs, newRun } from '../admit.ts';
import { changedRuns, isOwn, put, type Draft } from '../draft.ts';
import type { Followers, Predecessor } from './ends.ts';
import type { Followed } from '../../job.ts';
import type { After } from '../../spec/blocks.ts';
import { afterRunName } from '../../naming.ts';
import { isFinished, type Run, type RunCause, type SlotCause } from '../../run.ts';

/** Numbers the ends of this evaluation, if jobs follow this one. Call it once, after the last change of a run. */
export function numberEnds(draft: Draft): void {
  if (draft.ends === undefined) return;
  for (const run of changedRuns(draft)) {
    if (isFinished(run) && isOwn(draft, run) && run.endNumber === undefined)
      put(draft, { ...run, endNumber: ++draft.ends });
  }
}

/** Whether a follower may still need the run: it stays in the ledger until then. */
export function isAwaited({ endNumber }: Run, followers: Followers | undefined): boolean {
  return followers !== undefined && endNumber !== undefined && endNumber > followers.handled;
}

/** The ends of a predecessor that this job has not followed, oldest first. */
function owedEnds({ known }: Predecessor, handled: number): Run[] {
  if (known === undefined) return [];
  return known.runs
    .filter((run) => run.jobUid === known.uid && (run.endNumber ?? 0) > handled)
    .sort((a, b) => a.endNumber! - b.endNumber!);
}

/** The number up to which the predecessor’s ends need no run of this job. */
function handledOf({ job, known }: Predecessor, followed: readonly Followed[]): number {
  const entry = followed.find((other) => other.job === job);
  // Ends from before this job followed it.
  if (entry === undefined) return known?.ends ?? 0;
  return known === undefined || entry.uid === known.uid ? entry.handled : 0;
}

/** Whether an observed run of this job follows an end that is not handled: a process started it and did not record it. */
export function isOwedRun({ job, after }: Draft, { cause }: Run): boolean {
  const predecessor = after.find((other) => other.job === cause?.job);
  if (predecessor === undefined) return false;
  const handled = handledOf(predecessor, job.status?.after ?? []);
  return owedEnds(predecessor, handled).some(({ name }) => name === cause?.run);
}

/** Adds a run for each end that is owed one. Returns up to which number the ends are handled now. */
export function followEnds(draft: Draft): Followed[] | undefined {
  const { after, status } = { after: draft.job.spec.after, status: draft.job.status };
  if (after === undefined) return undefined;
  return after.map(({ job, when }) => {
    const predecessor = draft.after.find((other) => other.job === job) ?? { job };
    const entry = status?.after?.find((other) => other.job === job);
    if (predecessor.known === undefined) return entry ?? { job, handled: 0 };
    const { uid, runs } = predecessor.known;
    let handled = handledOf(predecessor, status?.after ?? []);
    for (const run of owedEnds(predecessor, handled)) {
      if (isLastAttempt(run, runs) && matches(run, when)) follow(draft, { job, run: run.name }, run);
      handled = run.endNumber!;
    }
    return { job, uid, handled };
  });
}

/** A retry is recorded together with the end before it. */
function isLastAttempt(run: Run, runs: readonly Run[]): boolean {
  return !runs.some((other) => isSameStart(other, run) && other.attempt > run.attempt);
}

/** Whether both are attempts of one slot, one request or one end. */
export function isSameStart(a: Run, b: Run): boolean {
  return (
    a.jobUid === b.jobUid &&
    a.slot === b.slot &&
    a.pass === b.pass &&
    a.triggerId === b.triggerId &&
    a.cause?.run === b.cause?.run
  );
}

/** A slot whose only run was stopped before its start has nothing to follow. */
function matches({ phase, startedAt, attempt }: Run, when: After['when']): boolean {
  if (phase === 'Killed' && startedAt === undefined && attempt === 1) return false;
  if (when === 'Ended') return true;
  return when === 'Completed' ? phase === 'Completed' : phase !== 'Completed';
}

function follow(draft: Draft, cause: RunCause, end: Run): void {
  const { job, now } = draft;
  const { suspend, notBefore, notAfter, startingDeadlineSeconds = Infinity, concurrencyPolicy } = job.spec;
  const endedAt = end.finishedAt ?? now;
  if (suspend || endedAt < instant(notBefore, -Infinity) || endedAt > instant(notAfter, Infinity)) return;
  if (now - endedAt > startingDeadlineSeconds * 1000) return refuse(draft, cause, 'StartingDeadline');
  const { slot, pass } = end;
  const run = newRun(draft, {
    name: afterRunName(job.name, cause, 1),
    trigger: 'After',
    slot,
    ...(pass !== undefined && { pass }),
    startAfter: now + jitterMs(job.key, slot, job.spec.jitterSeconds),
    cause,
  });
  // Forbid drops a slot because the next one comes. An end does not come again, so its run waits.
  const refusal = admit(draft, run, concurrencyPolicy === 'Forbid' ? 'Queue' : concurrencyPolicy);
  if (refusal !== undefined) refuse(draft, cause, refusal);
}

function refuse(draft: Draft, end: RunCause, cause: SlotCause): void {
  draft.totals.missed++;
  draft.events.push({ kind: 'EndNotFollowed', end, cause });
}

function instant(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : Date.parse(text);
}
