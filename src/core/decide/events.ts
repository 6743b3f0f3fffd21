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

/** A text names a few: a group may have a thousand. */
const NAMES_SHOWN = 3;

const TEXT_OF: { [K in JobEvent['kind']]: (event: Extract<JobEvent, { kind: K }>) => EventText } = {
  RunStarted: ({ run }) => normal('RunStarted', `Started run ${run.name}, attempt ${run.attempt}`),
  RunFinished: ({ run }) => finishedText(run),
  RunStuck: ({ run, message }) => warning('RunStuck', `Run ${run.name}: ${message}`),
  RunSlow: ({ run, message }) => warning('RunSlow', `Run ${run.name} ${message}`),
  JobOverdue: ({ message }) => warning('JobOverdue', message),
  RunWaiting: ({ run, holders }) => waitingText(run, holders),
  SlotsNotRun: ({ slots }) => notRunText(slots),
  SlotRanLate: ({ run, recordedAs }) =>
    warning(
      'SlotRanLate',
      `Run ${run.name} was started although its slot had been recorded as ${recordedAs}`,
    ),
  TriggerForbidden: ({ cause }) => warning('TriggerForbidden', `A manual run was refused: ${cause}`),
  EndNotFollowed: ({ end, cause }) =>
    warning('EndNotFollowed', `No run follows the end of ${end.run} of job ${end.job}: ${cause}`),
  BackfillStarted: ({ backfill }) => backfillText(backfill),
  BackfillEnded: ({ backfill }) => backfillText(backfill),
  InvalidSpec: ({ problem }) => warning('InvalidSpec', problem.message),
  ChannelUnknown: ({ channels }) =>
    warning(
      'ChannelUnknown',
      `Notices wait: there is no channel ${channels.slice(0, NAMES_SHOWN).join(', ')}`,
    ),
  NoticeDead: ({ channel, notice, why }) =>
    warning('NoticeDead', `Channel ${channel} did not take ${notice}: ${why}`),
  EvaluationFailed: ({ problem }) =>
    warning('EvaluationFailed', `What is due waits, and lsh tries again: ${problem.message}`),
};

export function eventText(event: JobEvent): EventText {
  return (TEXT_OF[event.kind] as (event: JobEvent) => EventText)(event);
}

function backfillText({ phase, slots, completed, failed, message }: Backfill): EventText {
  switch (phase) {
    case 'Running':
      return normal('BackfillStarted', `Started a backfill of ${counted(slots)}`);
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
  if (phase === 'Completed') return normal('RunCompleted', `Run ${name} completed${why}`);
  const code = exitCode === undefined ? '' : ` (exit code ${exitCode})`;
  return warning(`Run${phase}`, `Run ${name}: ${reason ?? phase}${code}${why}`);
}

function waitingText({ name, message }: Run, holders: readonly string[]): EventText {
  const shown = holders.slice(0, NAMES_SHOWN).join(', ');
  const more = holders.length > NAMES_SHOWN ? ` and ${holders.length - NAMES_SHOWN} more` : '';
  const held = holders.length === 0 ? '' : ` Active: ${shown}${more}.`;
  return normal('RunWaiting', `Run ${name}: ${message}${held}`);
}

function notRunText({ count, outcome, cause, from, recordedAt }: SlotRecord): EventText {
  const slots = count === 1 ? 'A slot was' : `${count} slots were`;
  const late = `, ${count === 1 ? '' : 'up to '}${formatDuration(recordedAt - from)} late`;
  return warning(`Slot${outcome}`, `${slots} not run: ${cause}${outcome === 'Forbidden' ? '' : late}`);
}

function normal(reason: string, note: string): EventText {
  return { type: 'Normal', reason, note: oneLine(note) };
}

function warning(reason: string, note: string): EventText {
  return { type: 'Warning', reason, note: oneLine(note) };
}
