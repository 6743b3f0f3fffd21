// One run from its start to its Ended observation: joins process, output, stop and first cause.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClockSteps } from '../../control/clock-steps.ts';
import type { JobKey } from '../../core/job.ts';
import type { RunObservation, StopCause } from '../../core/run.ts';
import type { RunProcess } from './launch/launcher.ts';
import { drained, handOver } from './hand-over.ts';
import type { Output } from './output/output.ts';
import { endGroup, isEmptyWithin, signalGroup } from './process-group.ts';
import { describeGroup } from './process-identity.ts';
import { exitCodeOf, runEnd, type ProcessExit } from './run-end.ts';
import { readStatus, saveExitCode } from './run-files.ts';

/** How long a wrapper takes to set its trap: an earlier TERM would end the wrapper before its command. */
const TRAP_SETUP_MS = 50;
/** After the end of the command: a background process that leaves the group within this time lives. */
const BACKGROUND_SETTLE_MS = 1000;
/** Between TERM and KILL for processes that outlive the command in its group. */
const LEFTOVER_GRACE_MS = 2000;
/** The kernel’s clock for the times of files lags by up to this much. */
const FILE_CLOCK_MS = 20;

export interface LiveRunOptions {
  name: string;
  key: JobKey;
  startedAt: number;
  stopCause: StopCause | undefined;
  clock: Pick<ClockSteps, 'look' | 'movedMs'>;
  /** How many processes of this control group the kernel has killed for lack of memory. */
  memoryKills: () => number;
  /** Called once, after the observation became Ended. */
  onEnd: () => void;
}

/** The process and the files of a run, started or recovered. */
export interface Attachment {
  process: RunProcess;
  output: Output;
  directory: string;
  /** False for a process that an earlier runner started. */
  isOwnChild: boolean;
  /** Whether the run's record takes the tail of the output. */
  captureOutput: boolean;
  /** Whether processes that outlive the command in its group live on. */
  keepsBackground: boolean;
  /** Whether the process that read the output before this one was killed. */
  mayLackOutput?: boolean;
  /** The version of the secrets that the command has. */
  secretsVersion: string | undefined;
}

export class LiveRun {
  observation: RunObservation;
  readonly #options: LiveRunOptions;
  readonly #detached = new AbortController();
  readonly #memoryKillsBefore: number;
  readonly #movedMsBefore: number;
  #stopCause: StopCause | undefined;
  /** `at` is on the clock as it was set at the start. */
  #stopping: { at: number; graceMs: number } | undefined;
  #attached: Attachment | undefined;
  readonly #ready = Promise.withResolvers<void>();
  #exited = false;
  #drained = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveRunOptions) {
    this.#options = options;
    this.#stopCause = options.stopCause;
    this.#memoryKillsBefore = options.memoryKills();
    this.#movedMsBefore = options.clock.movedMs;
    this.observation = { name: options.name, state: 'Running', startedAt: options.startedAt };
  }

  get key(): JobKey {
    return this.#options.key;
  }

  get directory(): string | undefined {
    return this.#attached?.directory;
  }

  /** Whether the start directory may be reused: the own child and every writer of its FIFO have ended. */
  get hasFreeDirectory(): boolean {
    return this.#exited && this.#drained && this.#attached!.isOwnChild;
  }

  get output(): Output | undefined {
    return this.#attached?.output;
  }

  /** Resolves when the process has started, or the run ended without one. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Observes the process until it ends. */
  attach(attachment: Attachment): void {
    this.#attached = attachment;
    this.#ready.resolve();
    if (this.#stopping) this.#terminate(attachment.process, this.#stopping.graceMs);
    void this.#observe(attachment);
  }

  /** Ends a run that could not start. */
  fail(reason: 'Refused' | 'SpawnError', message: string): void {
    this.#end({ name: this.#options.name, state: 'Ended', finishedAt: this.#now(), reason, message });
  }

  /** Ends a run that was stopped before it had a process. Returns false if it was not stopped. */
  endIfStopped(): boolean {
    if (!this.#stopping) return false;
    const { name } = this.#options;
    this.#end({ name, state: 'Ended', finishedAt: this.#now(), reason: this.#stopCause });
    return true;
  }

  /** Sends TERM to the group, and KILL after the grace (milliseconds). Later calls have no effect. */
  stop(cause: StopCause, graceMs: number): void {
    if (this.#stopping || this.#exited || this.observation.state !== 'Running') return;
    this.#stopCause ??= cause;
    this.#stopping = { at: this.#now() - this.#movedMs(), graceMs };
    if (this.#attached) this.#terminate(this.#attached.process, graceMs);
  }

  #terminate(process: RunProcess, graceMs: number): void {
    const trapSetupMs = Math.max(0, this.#options.startedAt + TRAP_SETUP_MS - this.#now());
    this.#timer = setTimeout(
      () => {
        this.#timer = setTimeout(() => void this.#signal(process, 'SIGKILL'), graceMs);
        void this.#signal(process, 'SIGTERM');
      },
      Math.min(trapSetupMs, TRAP_SETUP_MS),
    );
  }

  async #signal(process: RunProcess, signal: NodeJS.Signals): Promise<void> {
    if ((await process.ownsGroup()) && !this.#exited) signalGroup(process.pgid, signal);
  }

  async #observe(attachment: Attachment): Promise<void> {
    const { process, output, directory, captureOutput, secretsVersion } = attachment;
    const exit = await process.exited;
    if (this.#detached.signal.aborted) return;
    this.#exited = true;
    clearTimeout(this.#timer);
    const { name } = this.#options;
    const beforeStop = this.#endBeforeStop(directory);
    if (beforeStop !== undefined) this.#stopCause = undefined;
    const finishedAt = beforeStop ?? ('at' in exit ? exit.at : undefined) ?? this.#now();
    const startedAt = attachment.isOwnChild ? this.#startedAt() : undefined;
    if ('signal' in exit) saveSignal(directory, exit.signal);
    const endedChildren = await this.#endLeftovers(attachment, exit);
    this.#drained = await drained(output);
    await finish(output, directory);
    if (this.#detached.signal.aborted) return;
    const { bytes: outputBytes, logError } = output;
    const outputTail = captureOutput ? output.tail() : undefined;
    // The launcher saves the rest of the output unless a process lives to read it.
    const restIsMissing = 'beforeRecovery' in exit && !existsSync(join(directory, 'rest'));
    const mayLackOutput = attachment.mayLackOutput || restIsMissing;
    const facts = {
      name,
      startedAt,
      finishedAt,
      exit,
      stopCause: this.#stopCause,
      mayLackOutput,
      endedChildren,
      secretsVersion,
    };
    const memoryRanOut = () => this.#options.memoryKills() > this.#memoryKillsBefore;
    this.#end(runEnd({ ...facts, memoryRanOut, outputTail, outputBytes, logError }));
  }

  /**
   * When the command ended, if that was before its stop: a runner that was frozen itself hears of the time limit before
   * it hears of the end. An earlier runner may have sent a recorded stop.
   */
  #endBeforeStop(directory: string): number | undefined {
    if (!this.#stopping || this.#options.stopCause !== undefined) return undefined;
    const status = readStatus(directory);
    if (status.claim !== 'Pid' || status.exitCode === undefined) return undefined;
    const stoppedAt = this.#stopping.at + this.#movedMs();
    return status.writtenAt < stoppedAt - FILE_CLOCK_MS ? status.writtenAt : undefined;
  }

  /**
   * Ends the rest of the group, which a process leaves with `setsid`; returns the background processes that got TERM. A
   * command that ended by itself leaves them time to do so, or keeps them.
   */
  async #endLeftovers({ process, keepsBackground }: Attachment, exit: ProcessExit): Promise<string[]> {
    const { pgid } = process;
    if (!signalGroup(pgid, 0) || !(await process.ownsGroup())) return [];
    const { signal } = this.#detached;
    const endedByItself = 'exitCode' in exit && this.#stopCause === undefined;
    if (endedByItself && (keepsBackground || (await isEmptyWithin(pgid, BACKGROUND_SETTLE_MS, signal))))
      return [];
    const children = endedByItself ? await describeGroup(pgid) : [];
    signalGroup(pgid, 'SIGTERM');
    await endGroup(pgid, LEFTOVER_GRACE_MS, signal);
    return children;
  }

  #now(): number {
    return this.#options.clock.look().now;
  }

  /** The start on the clock as it is set now. Of a run that an earlier runner started, the ledger knows it. */
  #startedAt(): number {
    return this.#options.startedAt + this.#movedMs();
  }

  /** By how much the clock was set since this runner has the run. */
  #movedMs(): number {
    return this.#options.clock.movedMs - this.#movedMsBefore;
  }

  #end(observation: RunObservation): void {
    this.observation = observation;
    this.#ready.resolve();
    this.#options.onEnd();
  }

  /** Stops observing; the process runs on. Saves the output that was read. */
  async detach(): Promise<void> {
    clearTimeout(this.#timer);
    this.#detached.abort();
    if (!this.#attached) return;
    const { process, output, directory } = this.#attached;
    process.detach();
    await handOver(output, directory, this.observation.state === 'Running');
  }
}

/** Writes the exit code for the next runner: a killed wrapper has written none. */
function saveSignal(directory: string, signal: NodeJS.Signals): void {
  try {
    saveExitCode(directory, exitCodeOf(signal));
  } catch {
    // Only a recovery after a crash reads it; this process knows the signal.
  }
}

async function finish(output: Output, directory: string): Promise<void> {
  await output.close();
  const rest = join(directory, 'rest');
  try {
    if (existsSync(rest)) await output.take(readFileSync(rest));
    await output.finish();
  } catch (error) {
    output.logError ??= error as Error;
  }
}
