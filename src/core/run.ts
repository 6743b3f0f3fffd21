// A run is one execution of a slot or of a manual request. A retry is a run of its own with the next attempt number.
import type { Executor } from './executor.ts';
import type { JobKey } from './job.ts';

export const RUN_PHASES = [
  'Created', // waits for its turn or its delay
  'Pending', // its runner has it, and its command has not begun: a Kubernetes Job whose Pod does not run yet
  'Running',
  'Completed',
  'Failed',
  'Killed',
] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

export const FINISHED_PHASES = ['Completed', 'Failed', 'Killed'] as const satisfies RunPhase[];

export const RUN_TRIGGERS = ['Schedule', 'CatchUp', 'Manual', 'After', 'Backfill'] as const;
export type RunTrigger = (typeof RUN_TRIGGERS)[number];

/** Why lsh stops a run. The first cause wins. */
export const STOP_CAUSES = [
  'TimedOut',
  'StoppedByUser',
  'Replaced',
  'JobRemoved',
  'ShuttingDown',
  /** `lsh runner` heard from no controller for a lease duration. */
  'ControllerGone',
  /** Its command did not begin in time: no Pod, or no image, container, volume or node for it. */
  'Stuck',
  /** It had no Pod, and the user changed the Pod’s part of the spec: the next attempt gets the new one. */
  'SpecChanged',
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
  'Disrupted', // the cluster took its Pod away: a drain, an eviction, a preemption, a node that went
  'NameTaken', // an object of the run’s name has another owner
  'DeadlineExceeded', // it waited for its concurrency group longer than startingDeadlineSeconds allows
] as const;
export type RunReason = (typeof RUN_REASONS)[number];

/** The run whose end started a run. */
export interface RunCause {
  /** Name of its job. */
  job: string;
  /** Name of its last attempt. */
  run: string;
}

/** A run as its runner gets it. */
export interface StartingRun extends Run {
  /** Its place in a trace, as the command gets it in TRACEPARENT; undefined unless runs are traced. */
  traceparent?: string;
}

export interface Run {
  /** A function of job, slot (or trigger id) and attempt. The name is the lock. */
  name: string;
  job: JobKey;
  jobUid: string;
  trigger: RunTrigger;
  /** The slot of a scheduled run, the second of the request of a manual run; milliseconds, whole seconds. */
  slot: number;
  /** Which time the clock passed the slot, if it was set back: 2 for the second. Undefined for the first. */
  pass?: number;
  /** Id of the manual trigger, or of the backfill. */
  triggerId?: string;
  /** The user who requested a manual run or the backfill. */
  requestedBy?: string;
  /** What an After run follows. Its slot is the slot of that run. */
  cause?: RunCause;
  /** The how-manieth end of its job this run was; undefined if no job followed it then. */
  endNumber?: number;
  /** From 1. */
  attempt: number;
  /** The attempt with which a backfill ran the slot again; undefined for the first. The retry limit counts from it. */
  firstAttempt?: number;
  /** How many earlier attempts were Disrupted; undefined for none. Their number counts against a limit of its own. */
  disruptions?: number;
  /** How many earlier attempts ended because their spec changed; undefined for none. No limit counts them. */
  specChanges?: number;
  executor: Executor;
  /**
   * The operator’s pod that holds the process of a shell run, as `namespace/name`; undefined in the daemon, which has
   * one host.
   */
  host?: string;
  phase: RunPhase;
  reason?: RunReason;
  /** One sentence for users. */
  message?: string;
  createdAt: number;
  /** The run starts no earlier: the slot plus its jitter, or the end of the last attempt plus the retry delay. */
  startAfter: number;
  startedAt?: number;
  finishedAt?: number;
  exitCode?: number;
  signal?: string;
  /** Set when lsh decides to stop the run. The phase changes when the run has ended. */
  stopCause?: StopCause;
  /** The end of the output: stdout and stderr in the order of arrival. */
  outputTail?: string;
  /** Size of the whole output in bytes, including output that the tail lacks. */
  outputBytes?: number;
  /** The version of its lsh secrets, such as `prod@7`; known once it has ended, and only of a shell run. */
  secretsVersion?: string;
}

interface Observed {
  name: string;
  /** The run as its object describes it. A Kubernetes Job carries it; a process does not. */
  run?: Run;
}

/** The state of a run as its runner observes it. */
export type RunObservation =
  /** The runner has the run and has not seen its command begin. */
  | (Observed & {
      state: 'Pending';
      /** The command cannot begin, and for how long already; the message says why, once that is known. */
      stuck?: { message?: string; forMs: number };
      /** The command has certainly not begun, and the spec now asks for another Pod than the run does. */
      outdated?: boolean;
    })
  | (Observed & {
      state: 'Running';
      startedAt: number;
      /** The time limit that the executor enforces, and how long the run has been active. */
      limit?: { ms: number; forMs: number };
    })
  /** Proof that the run never started and never will, so starting it again is safe. */
  | (Observed & { state: 'NeverStarted' })
  | RunEnd;

/** Whether the observed run was started and has not ended. */
export function isOngoing({ state }: RunObservation): boolean {
  return state === 'Pending' || state === 'Running';
}

export interface RunEnd extends Observed {
  state: 'Ended';
  startedAt?: number;
  finishedAt: number;
  exitCode?: number;
  signal?: string;
  /** Set if the exit code alone does not give the reason. */
  reason?: RunReason;
  /** The command ended before a stop reached it, so a recorded stop cause changes no result. */
  byItself?: true;
  message?: string;
  outputTail?: string;
  outputBytes?: number;
  /** As Run.secretsVersion. */
  secretsVersion?: string;
}

export const SLOT_OUTCOMES = [
  'Ran',
  'Missed',
  'Forbidden',
  'Suspended',
  'DeadlineExceeded',
  'Excluded',
] as const;
export type SlotOutcome = (typeof SLOT_OUTCOMES)[number];

/** Why a slot has no run. */
export const SLOT_CAUSES = [
  'NotEvaluated', // no process evaluated the schedule then
  'EvaluatedLate', // a process evaluated the schedule all along, but was held up
  'LedgerFailed', // the ledger took no changes until newer slots were due
  'ClockSetAhead', // the clock was set ahead and jumped over the slot
  'StartingDeadline', // lsh found the slot later than startingDeadlineSeconds allows
  'Suspended',
  'RunActive', // concurrencyPolicy Forbid, and another run was active
  'QueueFull', // concurrencyPolicy Queue, and too many runs were waiting
] as const;
export type SlotCause = (typeof SLOT_CAUSES)[number];

/**
 * The outcome of a slot, or of a stretch of consecutive slots with the same outcome: a week of downtime of an
 * every-second job is one record.
 */
export interface SlotRecord {
  job: JobKey;
  /** First and last slot of the stretch, milliseconds; equal for a single slot. */
  from: number;
  to: number;
  count: number;
  /** As Run.pass. */
  pass?: number;
  outcome: SlotOutcome;
  /** One of SLOT_CAUSES; for Excluded the name of the calendar, or exceptDates. Undefined for Ran. */
  cause?: string;
  /** Name of the first attempt, for Ran. */
  run?: string;
  recordedAt: number;
}

/** Slots that the ledger records as not run. */
export type ClosedStretch = Pick<SlotRecord, 'from' | 'to' | 'count' | 'pass' | 'outcome' | 'cause'> &
  // An older operator recorded none.
  Partial<Pick<SlotRecord, 'recordedAt'>>;

/** A slot that ran although it had been recorded as not run. */
export interface Correction {
  slot: number;
  pass?: number;
  /** The rest of its stretch, oldest first: the slots before it and the slots after it. */
  left: ClosedStretch[];
}

/** Requires every field, optional fields too: a mapping that forgets a field does not compile. */
export type AllFields<T> = { [Field in keyof Required<T>]: T[Field] };

/** Whether a slot of the job’s own schedule started the run. */
export function isOfSlot({ trigger }: Pick<Run, 'trigger'>): boolean {
  return trigger === 'Schedule' || trigger === 'CatchUp';
}

export function isFinished({ phase }: Pick<Run, 'phase'>): boolean {
  return (FINISHED_PHASES as readonly RunPhase[]).includes(phase);
}

export function isActive(run: Pick<Run, 'phase'>): boolean {
  return !isFinished(run);
}

/** Whether something keeps the command from its start; the message says what. */
export function isStuck({ phase, message }: Pick<Run, 'phase' | 'message'>): boolean {
  return phase === 'Pending' && message !== undefined;
}

/** Whether the runner has the run: it was started, and has not ended. */
export function isUnderWay({ phase }: Pick<Run, 'phase'>): boolean {
  return phase === 'Pending' || phase === 'Running';
}
