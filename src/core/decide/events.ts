// The events of an evaluation as facts, and the sentence for each. The log and Kubernetes Events record them.
import { formatDuration } from '../duration.ts';
import type { Backfill } from '../backfill/backfill.ts';
import type { LshError } from '../errors.ts';
import type { NoticeKind } from '../notices/notice.ts';
import { oneLine } from '../printable.ts';
import type { Run, RunCause, SlotCause, SlotOutcome, SlotRecord } from '../run.ts';

export type JobEvent =
  | { kind: 'RunStarted'; run: Run }
  | { kind: 'RunFinished'; run: Run }
  /** The run cannot begin its command, for example because its image cannot be pulled. */
  | { kind: 'RunStuck'; run: Run; message: string }
  /** The run takes longer than the job allows before it is slow. */
  | { kind: 'RunSlow'; run: Run; message: string }
  /** No run has completed in time; `since` is when one was due to, milliseconds. */
  | { kind: 'JobOverdue'; since: number; message: string }
  /** The run waits for its concurrency group, whose active runs are the holders. */
  | { kind: 'RunWaiting'; run: Run; holders: readonly string[] }
  /** Slots ended without a run. */
  | { kind: 'SlotsNotRun'; slots: SlotRecord }
  /** A run started although its slot was recorded as not run. */
  | { kind: 'SlotRanLate'; run: Run; recordedAs: SlotOutcome }
  | { kind: 'TriggerForbidden'; cause: SlotCause }
  /** The end of another job’s run has no run of this job. */
  | { kind: 'EndNotFollowed'; end: RunCause; cause: SlotCause }
  | { kind: 'BackfillStarted'; backfill: Backfill }
  /** It completed, was cancelled or refused. */
  | { kind: 'BackfillEnded'; backfill: Backfill }
  | { kind: 'InvalidSpec'; problem: LshError }
  /** The spec names channels that this home does not have. */
  | { kind: 'ChannelUnknown'; channels: readonly string[] }
  /** A channel did not take a notice of the job, and gets it no more. */
  | { kind: 'NoticeDead'; channel: string; notice: NoticeKind; why: string }
  /** Several evaluations in a row could not be carried out. */
  | { kind: 'EvaluationFailed'; problem: LshError };

/** An event in the shape of a Kubernetes Event. The log uses the same shape. */
export interface EventText {
  type: 'Normal' | 'Warning';
  /** CamelCase. Stable, because users filter by it. */
  reason: string;
  note: string;
}

export function eventText(event: JobEvent): EventText {
  if (isRefusal(event)) return refusalText(event);
  switch (event.kind) {
    case 'RunStarted': {
      const { name, attempt } = event.run;
      return { type: 'Normal', reason: 'RunStarted', note: `Started run ${name}, attempt ${attempt}` };
    }
    case 'RunFinished':
      return finishedText(event.run);
    case 'RunStuck':
      return warning('RunStuck', `Run ${event.run.name}: ${event.message}`);
    case 'RunSlow':
      return warning('RunSlow', `Run ${event.run.name} ${event.message}`);
    case 'JobOverdue':
      return warning('JobOverdue', event.message);
    case 'RunWaiting':
      return waitingText(event.run, event.holders);
    case 'BackfillStarted':
    case 'BackfillEnded':
      return backfillText(event.backfill);
    case 'InvalidSpec':
      return warning('InvalidSpec', event.problem.message);
    case 'ChannelUnknown':
      return warning(
        'ChannelUnknown',
        `Notices wait: there is no channel ${event.channels.slice(0, NAMES_SHOWN).join(', ')}`,
      );
    case 'NoticeDead':
      return warning('NoticeDead', `Channel ${event.channel} did not take ${event.notice}: ${event.why}`);
    case 'EvaluationFailed':
      return warning('EvaluationFailed', `What is due waits, and lsh tries again: ${event.problem.message}`);
  }
}

const REFUSALS = ['SlotsNotRun', 'SlotRanLate', 'TriggerForbidden', 'EndNotFollowed'] as const;
type Refusal = Extract<JobEvent, { kind: (typeof REFUSALS)[number] }>;

function isRefusal(event: JobEvent): event is Refusal {
  return REFUSALS.some((kind) => kind === event.kind);
}

/** About what was due and has no run, or has one after all. */
function refusalText(event: Refusal): EventText {
  switch (event.kind) {
    case 'SlotsNotRun':
      return notRunText(event.slots);
    case 'SlotRanLate':
      return warning(
        'SlotRanLate',
        `Run ${event.run.name} was started although its slot had been recorded as ${event.recordedAs}`,
      );
    case 'TriggerForbidden':
      return warning('TriggerForbidden', `A manual run was refused: ${event.cause}`);
    case 'EndNotFollowed':
      return warning(
        'EndNotFollowed',
        `No run follows the end of ${event.end.run} of job ${event.end.job}: ${event.cause}`,
      );
  }
}

function backfillText({ phase, slots, completed, failed, message }: Backfill): EventText {
  switch (phase) {
    case 'Running':
      return { type: 'Normal', reason: 'BackfillStarted', note: `Started a backfill of ${counted(slots)}` };
    case 'Completed': {
      const note = `A backfill of ${counted(slots)} has ended: ${completed} completed, ${failed} failed`;
      return { type: failed > 0 ? 'Warning' : 'Normal', reason: 'BackfillCompleted', note };
    }
    case 'Cancelled':
    case 'Refused':
      return warning(`Backfill${phase}`, message ?? phase);
  }
}

function counted(slots: number): string {
  return `${slots} ${slots === 1 ? 'slot' : 'slots'}`;
}

function finishedText({ name, phase, reason, exitCode, message }: Run): EventText {
  const why = message === undefined ? '' : `: ${message}`;
  if (phase === 'Completed')
    return { type: 'Normal', reason: 'RunCompleted', note: `Run ${name} completed${why}` };
  const code = exitCode === undefined ? '' : ` (exit code ${exitCode})`;
  return warning(`Run${phase}`, `Run ${name}: ${reason ?? phase}${code}${why}`);
}

/** Names a few: a group may have a thousand. */
const NAMES_SHOWN = 3;

function waitingText({ name, message }: Run, holders: readonly string[]): EventText {
  const shown = holders.slice(0, NAMES_SHOWN).join(', ');
  const more = holders.length > NAMES_SHOWN ? ` and ${holders.length - NAMES_SHOWN} more` : '';
  const held = holders.length === 0 ? '' : ` Active: ${shown}${more}.`;
  return { type: 'Normal', reason: 'RunWaiting', note: oneLine(`Run ${name}: ${message}${held}`) };
}

function notRunText({ count, outcome, cause, from, recordedAt }: SlotRecord): EventText {
  const slots = count === 1 ? 'A slot was' : `${count} slots were`;
  const late = `, ${count === 1 ? '' : 'up to '}${formatDuration(recordedAt - from)} late`;
  return warning(`Slot${outcome}`, `${slots} not run: ${cause}${outcome === 'Forbidden' ? '' : late}`);
}

function warning(reason: string, note: string): EventText {
  return { type: 'Warning', reason, note: oneLine(note) };
}
