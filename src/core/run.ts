// One execution: of a slot, or asked for by somebody. A retry is a run of its own with the next attempt number.
import type { Executor } from './executor.ts';
import type { JobKey } from './job.ts';

export const RUN_PHASES = ['Created', 'Running', 'Completed', 'Failed', 'Killed'] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

export const RUN_TRIGGERS = ['Schedule', 'CatchUp', 'Manual'] as const;
export type RunTrigger = (typeof RUN_TRIGGERS)[number];

/** Why a run was told to end; the first cause wins. */
export const STOP_CAUSES = [
  'TimedOut',
  'StoppedByUser',
  'Replaced',
  'JobRemoved',
  'ShuttingDown',
  /** The process that holds the children has heard of no controller for too long. */
  'ControllerGone',
  /** It could not get going for too long: no image, no container, no node. */
  'Stuck',
] as const;
export type StopCause = (typeof STOP_CAUSES)[number];

/** Why a run ended as it did. */
export const RUN_REASONS = [
  ...STOP_CAUSES,
  'ExitCode', // the command ended with a status other than 0
  'Signal', // a signal from outside ended it
  'SpawnError', // the command could not be started (no such command, directory or shell)
  'Refused', // the command validator refused it at execution
  'Lost', // it was running and left no trace of its end
  'OutOfMemory', // the kernel killed it when memory ran out
  'NameTaken', // an object of the run’s name has another owner
] as const;
export type RunReason = (typeof RUN_REASONS)[number];

export interface Run {
  /** Deterministic: job, slot (or trigger id) and attempt. The name is the lock. */
  name: string;
  job: JobKey;
  jobUid: string;
  trigger: RunTrigger;
  /** The slot for scheduled runs, the request’s second for manual ones; milliseconds, whole seconds. */
  slot: number;
  /** Id of the manual trigger. */
  triggerId?: string;
  /** Who asked, for manual runs. */
  requestedBy?: string;
  /** From 1. */
  attempt: number;
  executor: Executor;
  /** Where the process of a shell run lives, for a home that has several places: the operator’s pod. */
  host?: string;
  phase: RunPhase;
  reason?: RunReason;
  /** One sentence for people. */
  message?: string;
  createdAt: number;
  /** Not started before this instant: jitter, or the delay of a retry. */
  startAfter: number;
  startedAt?: number;
  finishedAt?: number;
  exitCode?: number;
  signal?: string;
  /** Set when the run was told to end; the phase follows when it has. */
  stopCause?: StopCause;
  /** The end of the output, stdout and stderr as they came. */
  outputTail?: string;
  /** All bytes of output that may be shown, kept or not. */
  outputBytes?: number;
}

interface Seen {
  name: string;
  /** Who the run is, where the runner’s world remembers it (a Kubernetes Job does, a process does not). */
  run?: Run;
}

/** What the runner sees of a run. */
export type RunObservation =
  | (Seen & {
      state: 'Running';
      startedAt: number;
      /** What keeps it from getting going, for as long as something does, and for how long already. */
      stuck?: { message: string; forMs: number };
      /** For how long it may be active, where its world sees to that, and for how long it has been. */
      limit?: { ms: number; forMs: number };
    })
  /** Proven never to have started and never to start: safe to start again. */
  | (Seen & { state: 'NeverStarted' })
  | RunEnd;

export interface RunEnd extends Seen {
  state: 'Ended';
  startedAt?: number;
  finishedAt: number;
  exitCode?: number;
  signal?: string;
  /** Set where the exit code alone does not tell. */
  reason?: RunReason;
  message?: string;
  outputTail?: string;
  outputBytes?: number;
}

export const SLOT_OUTCOMES = ['Ran', 'Missed', 'Forbidden', 'Suspended', 'DeadlineExceeded'] as const;
export type SlotOutcome = (typeof SLOT_OUTCOMES)[number];

/** Why a slot ended without a run. */
export const SLOT_CAUSES = [
  'NotEvaluated', // no process evaluated schedules in time
  'StartingDeadline', // found later than startingDeadlineSeconds allows
  'Suspended',
  'RunActive', // concurrencyPolicy Forbid, and another run was active
  'QueueFull', // concurrencyPolicy Queue, and too many runs were waiting
] as const;
export type SlotCause = (typeof SLOT_CAUSES)[number];

/**
 * What became of a slot, or of a stretch of slots with the same fate (a week of downtime of an every-second
 * job is one record).
 */
export interface SlotRecord {
  job: JobKey;
  /** First and last slot of the stretch, milliseconds; equal for a single slot. */
  from: number;
  to: number;
  count: number;
  outcome: SlotOutcome;
  /** Undefined for Ran. */
  cause?: SlotCause;
  /** Name of the first attempt, for Ran. */
  run?: string;
  recordedAt: number;
}

/** Slots that the ledger holds as not run, and still shows. */
export type ClosedStretch = Pick<SlotRecord, 'from' | 'to' | 'count' | 'outcome' | 'cause'>;

/** A slot that ran although it had been recorded as not run. */
export interface Correction {
  slot: number;
  /** The rest of its stretch, oldest first: the slots before it and those after it. */
  left: ClosedStretch[];
}

/** Every field by name, the optional ones too: a form of a run that lacks a field of it does not compile. */
export type AllFields<T> = { [Field in keyof Required<T>]: T[Field] };

export function isFinished({ phase }: Pick<Run, 'phase'>): boolean {
  return phase === 'Completed' || phase === 'Failed' || phase === 'Killed';
}

export function isActive(run: Pick<Run, 'phase'>): boolean {
  return !isFinished(run);
}
