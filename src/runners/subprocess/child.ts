// The two kinds of process behind a run: a child of this runner, and a process that an earlier runner started.
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LshError } from '../../core/errors.ts';
import { whyNotStarted } from './command/why-not-started.ts';
import { groupBelongsTo, isRunProcess } from './process-identity.ts';
import type { ProcessExit } from './run-end.ts';
import { readStatus } from './run-files.ts';
import type { Launcher, LaunchInput, RunProcess } from './launch/launcher.ts';

const { O_NONBLOCK, O_RDONLY } = constants;
const ADOPTED_POLL_MS = 1000;
/** After the end of the output; then twice as long each time. */
const FIRST_POLL_MS = 10;

/** Opens a FIFO for reading without waiting for a writer. */
export function openFifo(directory: string): number {
  return openSync(join(directory, 'fifo'), O_RDONLY | O_NONBLOCK);
}

export interface StartedChild {
  process: RunProcess;
  /** Descriptor of the FIFO's reading end. */
  outputFd: number;
}

/** Starts the command in a session of its own; rejects with SPAWN_FAILED. */
export async function startChild(launcher: Launcher, input: LaunchInput): Promise<StartedChild> {
  // The reader opens before the writer: a short command could otherwise end with its output unread.
  const outputFd = openFifo(input.directory);
  try {
    return { process: await launcher.launch(input), outputFd };
  } catch (error) {
    closeSync(outputFd);
    throw new LshError('SPAWN_FAILED', { detail: whyNotStarted(error as NodeJS.ErrnoException) });
  }
}

/** Observes a living leader of a run's group that an earlier runner started; `outputEnded` hints that it may have ended. */
export function adoptChild(
  pid: number,
  run: string,
  directory: string,
  outputEnded: Promise<void>,
): RunProcess {
  const stop = new AbortController();
  const exited = whenGone(pid, run, outputEnded, stop.signal).then(() => exitOnDisk(directory));
  return { pgid: pid, exited, ownsGroup: () => groupBelongsTo(pid, run), detach: () => stop.abort() };
}

/** A leader that ended before recovery; its group may have survived it. */
export function endedChild(pid: number, run: string, exit: ProcessExit): RunProcess {
  const exited = Promise.resolve(exit);
  return { pgid: pid, exited, ownsGroup: () => groupBelongsTo(pid, run), detach: () => undefined };
}

/**
 * The end of a process that is not our child raises no event. The end of its output does, shortly before that of the
 * process; a slow poll covers output that another process keeps open.
 */
async function whenGone(
  pid: number,
  run: string,
  outputEnded: Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const ended = outputEnded.then(() => FIRST_POLL_MS);
  let pollMs = ADOPTED_POLL_MS;
  let listening = true;
  while (!stop.aborted && (await isRunProcess(pid, run))) {
    const nextPoll = delay(pollMs, undefined, { signal: stop }).catch(() => undefined);
    const first = listening ? await Promise.race([ended, nextPoll]) : await nextPoll;
    if (first !== undefined) listening = false;
    pollMs = Math.min(ADOPTED_POLL_MS, first ?? (listening ? ADOPTED_POLL_MS : 2 * pollMs));
  }
}

function exitOnDisk(directory: string): ProcessExit {
  const status = readStatus(directory);
  if (status.claim === 'Sealed') return { unclaimed: true };
  if (status.claim !== 'Pid' || status.exitCode === undefined) return { vanished: true };
  return { exitCode: status.exitCode, at: status.writtenAt };
}
