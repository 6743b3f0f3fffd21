// What the end of a process means for its run.
import { constants } from 'node:os';
import type { RunEnd, StopCause } from '../../core/run.ts';

/** How the wrapper ended; that it never claimed the run; or that it is gone without having left a word. */
export type ProcessExit =
  | { exitCode: number; at?: number }
  | { signal: NodeJS.Signals }
  | { unclaimed: true }
  | { vanished: true };

export interface RunFacts {
  name: string;
  startedAt: number;
  finishedAt: number;
  exit: ProcessExit;
  /** What the runner was told to end it for; it wins over whatever the command made of it. */
  stopCause: StopCause | undefined;
  /** Whether the kernel ended a process of ours for want of memory while the run went. */
  memoryRanOut: () => boolean;
  /** Undefined when the output is not to be kept with the run. */
  outputTail: string | undefined;
  outputBytes: number;
  logError: Error | undefined;
}

/** The observation that ends a run; exit codes are as a shell tells them: 128 + n for signal n. */
export function runEnd(facts: RunFacts): RunEnd {
  const { name, startedAt, finishedAt, outputBytes, stopCause } = facts;
  const outputTail = facts.outputTail === '' ? undefined : facts.outputTail;
  const cause = causeOf(facts, outputTail);
  const logProblem = facts.logError && `The output could not be kept whole: ${facts.logError.message}.`;
  return {
    name,
    state: 'Ended',
    startedAt,
    finishedAt,
    ...cause,
    reason: stopCause ?? cause.reason,
    message: (stopCause === undefined ? cause.message : undefined) ?? logProblem,
    outputTail,
    outputBytes,
  };
}

type Cause = Pick<RunEnd, 'exitCode' | 'signal' | 'reason' | 'message'>;

function causeOf({ exit, memoryRanOut }: RunFacts, outputTail: string | undefined): Cause {
  if ('unclaimed' in exit) return { reason: 'SpawnError', message: 'The run could not be claimed on disk.' };
  if ('vanished' in exit) return { reason: 'Lost', message: 'The command is gone and left no exit status.' };
  if ('signal' in exit) return bySignal(exit.signal, exitCodeOf(exit.signal), memoryRanOut);
  const { exitCode } = exit;
  if (exitCode === 126 || exitCode === 127) return notStarted(exitCode, outputTail);
  const signal = signalOf(exitCode);
  return signal ? bySignal(signal, exitCode, memoryRanOut) : { exitCode };
}

function bySignal(signal: NodeJS.Signals, exitCode: number, memoryRanOut: () => boolean): Cause {
  if (signal === 'SIGKILL' && memoryRanOut()) {
    const message = 'The command was ended by SIGKILL when memory ran out.';
    return { exitCode, signal, reason: 'OutOfMemory', message };
  }
  return { exitCode, signal, reason: 'Signal', message: `The command was ended by ${signal}.` };
}

/** The shell says why in the last line of the output. */
function notStarted(exitCode: number, outputTail: string | undefined): Cause {
  const said = outputTail?.trimEnd().split('\n').at(-1)?.slice(-300);
  const known = exitCode === 127 ? 'The command was not found.' : 'The command could not be executed.';
  return { exitCode, reason: 'SpawnError', message: said || known };
}

function signalOf(exitCode: number): NodeJS.Signals | undefined {
  const found = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128);
  return found?.[0] as NodeJS.Signals | undefined;
}

/** The shell's exit code for a process that the signal ended. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
