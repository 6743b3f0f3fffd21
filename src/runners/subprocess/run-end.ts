// Turns the end of a process into the end of its run.
import { constants } from 'node:os';
import type { RunEnd, StopCause } from '../../core/run.ts';

/**
 * How the leader of the group ended. `beforeRecovery`: while no runner or an earlier one observed it. `unclaimed`: it could not claim
 * the run. `vanished`: it left no exit status.
 */
export type ProcessExit =
  | { exitCode: number; at?: number; beforeRecovery?: true }
  | { signal: NodeJS.Signals }
  | { unclaimed: true }
  | { vanished: true };

export interface RunFacts {
  name: string;
  /** Undefined if an earlier runner started the run. */
  startedAt: number | undefined;
  finishedAt: number;
  exit: ProcessExit;
  /** Why the run was stopped; it wins over the exit status. */
  stopCause: StopCause | undefined;
  /** Whether the kernel killed a process of this control group for lack of memory during the run. */
  memoryRanOut: () => boolean;
  /** Undefined when the run's record takes no output. */
  outputTail: string | undefined;
  outputBytes: number;
  logError: Error | undefined;
  /** Whether an earlier runner was killed before it had recorded the end of the output. */
  mayLackOutput: boolean;
  /** The background processes of the command that got TERM. */
  endedChildren: readonly string[];
  /** The version of the secrets that the command had. */
  secretsVersion: string | undefined;
}

/** Most background processes that a message names. */
const NAMED_CHILDREN = 5;

const LACKS_OUTPUT = 'lsh was killed while it read the output; the end of the output may be missing.';

/** The observation that ends a run. Exit codes are a shell's: 128 + n for signal n. */
export function runEnd(facts: RunFacts): RunEnd {
  const { name, startedAt, finishedAt, outputBytes, stopCause } = facts;
  const outputTail = facts.outputTail === '' ? undefined : facts.outputTail;
  const cause = causeOf(facts, outputTail);
  const logProblem = facts.logError && `The log is incomplete: ${facts.logError.message}.`;
  const notes = [
    logProblem,
    facts.mayLackOutput ? LACKS_OUTPUT : undefined,
    endOfChildren(facts.endedChildren),
  ];
  return {
    name,
    state: 'Ended',
    startedAt,
    finishedAt,
    ...cause,
    reason: stopCause ?? cause.reason,
    ...(stopCause === undefined && { byItself: true }),
    message: sentences([stopCause === undefined ? cause.message : undefined, ...notes]),
    outputTail,
    outputBytes,
    ...(facts.secretsVersion !== undefined && { secretsVersion: facts.secretsVersion }),
  };
}

function endOfChildren(children: readonly string[]): string | undefined {
  if (children.length === 0) return undefined;
  const named = children.slice(0, NAMED_CHILDREN).join(', ');
  const more = children.length > NAMED_CHILDREN ? ` and ${children.length - NAMED_CHILDREN} more` : '';
  return `Background processes outlived the command, and lsh ended them: ${named}${more}.`;
}

function sentences(parts: (string | undefined)[]): string | undefined {
  return parts.filter((part) => part !== undefined).join(' ') || undefined;
}

type Cause = Pick<RunEnd, 'exitCode' | 'signal' | 'reason' | 'message'>;

function causeOf({ exit, memoryRanOut }: RunFacts, outputTail: string | undefined): Cause {
  if ('unclaimed' in exit) return { reason: 'SpawnError', message: 'The run could not be claimed on disk.' };
  if ('vanished' in exit) return { reason: 'Lost', message: 'The command ended without an exit status.' };
  if ('signal' in exit) return bySignal(exit.signal, exitCodeOf(exit.signal), memoryRanOut);
  const { exitCode } = exit;
  if (exitCode === 126 || exitCode === 127) return notStarted(exitCode, outputTail);
  const signal = signalOf(exitCode);
  return signal ? bySignal(signal, exitCode, memoryRanOut) : { exitCode };
}

function bySignal(signal: NodeJS.Signals, exitCode: number, memoryRanOut: () => boolean): Cause {
  if (signal === 'SIGKILL' && memoryRanOut()) {
    const message = 'The kernel killed the command when memory ran out.';
    return { exitCode, signal, reason: 'OutOfMemory', message };
  }
  return { exitCode, signal, reason: 'Signal', message: `The command was ended by ${signal}.` };
}

/** The shell prints why in the last line of the output. */
function notStarted(exitCode: number, outputTail: string | undefined): Cause {
  const lastLine = outputTail?.trimEnd().split('\n').at(-1)?.slice(-300);
  const standard = exitCode === 127 ? 'The command was not found.' : 'The command could not be executed.';
  return { exitCode, reason: 'SpawnError', message: lastLine || standard };
}

function signalOf(exitCode: number): NodeJS.Signals | undefined {
  if (exitCode <= 128) return undefined;
  const found = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128);
  return found?.[0] as NodeJS.Signals | undefined;
}

/** The shell's exit code for a process that a signal ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
