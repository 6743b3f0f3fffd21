// One run from its start to the observation that it ended: joins process, output, stop and first cause.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobKey } from '../../core/job.ts';
import type { RunObservation, StopCause } from '../../core/run.ts';
import type { RunProcess } from './child.ts';
import type { Output } from './output/output.ts';
import { endGroup, signalGroup } from './process-group.ts';
import { leaveHeld } from './run-files.ts';
import { exitCodeOf, runEnd, type ProcessExit } from './run-end.ts';

/** A wrapper needs this long to set its trap; a TERM before that would be lost on the command. */
const SETTLE_MS = 50;
/** What the command left in its group has this long between TERM and KILL. */
const LEFTOVER_GRACE_MS = 2000;
/** How long output is awaited from a FIFO that something outside the group keeps open. */
const DRAIN_MS = 500;
/** More than the FIFO and what was read of it can hold of what the group has written. */
const LEFT_MAX_BYTES = 1024 * 1024;

export interface LiveRunOptions {
  name: string;
  key: JobKey;
  startedAt: number;
  stopCause: StopCause | undefined;
  now: () => number;
  /** How often the kernel has ended one of us for want of memory. */
  memoryKills: () => number;
  /** Called once, when the observation has become Ended. */
  onEnd: () => void;
}

/** What was started or found for a run. */
export interface Attachment {
  process: RunProcess;
  output: Output;
  directory: string;
  /** Whether this process started it, and not an earlier one. */
  fresh: boolean;
  /** Whether the end of the output belongs to the run's record. */
  captureOutput: boolean;
}

export class LiveRun {
  observation: RunObservation;
  readonly #options: LiveRunOptions;
  readonly #detached = new AbortController();
  readonly #memoryKillsBefore: number;
  #stopCause: StopCause | undefined;
  #stopping: { graceMs: number } | undefined;
  #attached: Attachment | undefined;
  readonly #ready = Promise.withResolvers<void>();
  #exited = false;
  #drained = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveRunOptions) {
    this.#options = options;
    this.#stopCause = options.stopCause;
    this.#memoryKillsBefore = options.memoryKills();
    this.observation = { name: options.name, state: 'Running', startedAt: options.startedAt };
  }

  get key(): JobKey {
    return this.#options.key;
  }

  get directory(): string | undefined {
    return this.#attached?.directory;
  }

  /** Whether nothing can touch the start directory any more: our own child is gone, and so is every writer. */
  get isQuiet(): boolean {
    return this.#exited && this.#drained && this.#attached!.fresh;
  }

  get output(): Output | undefined {
    return this.#attached?.output;
  }

  /** Resolves when there is a process, or there will be none. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The process exists: observe it until it ends. */
  attach(attachment: Attachment): void {
    this.#attached = attachment;
    this.#ready.resolve();
    if (this.#stopping) this.#terminate(attachment.process, this.#stopping.graceMs);
    void this.#observe(attachment);
  }

  /** Nothing was started, for the reason given. */
  fail(reason: 'Refused' | 'SpawnError', message: string): void {
    this.#end({ name: this.#options.name, state: 'Ended', finishedAt: this.#options.now(), reason, message });
  }

  /** Ends a run that was told to stop before it had a process; false when it was not. */
  endIfStopped(): boolean {
    if (!this.#stopping) return false;
    const { name, now } = this.#options;
    this.#end({ name, state: 'Ended', finishedAt: now(), reason: this.#stopCause });
    return true;
  }

  /** TERM to the group, KILL after the grace; the first call is the one that counts. */
  stop(cause: StopCause, graceMs: number): void {
    if (this.#stopping || this.#exited || this.observation.state !== 'Running') return;
    this.#stopCause ??= cause;
    this.#stopping = { graceMs };
    if (this.#attached) this.#terminate(this.#attached.process, graceMs);
  }

  #terminate(process: RunProcess, graceMs: number): void {
    const settleMs = Math.max(0, this.#options.startedAt + SETTLE_MS - this.#options.now());
    this.#timer = setTimeout(
      () => {
        this.#timer = setTimeout(() => void this.#signal(process, 'SIGKILL'), graceMs);
        void this.#signal(process, 'SIGTERM');
      },
      Math.min(settleMs, SETTLE_MS),
    );
  }

  async #signal(process: RunProcess, signal: NodeJS.Signals): Promise<void> {
    if ((await process.isOurs()) && !this.#exited) signalGroup(process.pgid, signal);
  }

  async #observe({ process, output, directory, captureOutput }: Attachment): Promise<void> {
    const exit = await process.exited;
    if (this.#detached.signal.aborted) return;
    this.#exited = true;
    clearTimeout(this.#timer);
    const { name, startedAt, now } = this.#options;
    const finishedAt = ('at' in exit ? exit.at : undefined) ?? now();
    if ('signal' in exit) rememberSignal(directory, exit.signal);
    await this.#endLeftovers(process, exit);
    this.#drained = await drained(output);
    await finish(output, directory);
    if (this.#detached.signal.aborted) return;
    const { bytes: outputBytes, logError } = output;
    const outputTail = captureOutput ? output.tail() : undefined;
    const facts = { name, startedAt, finishedAt, exit, stopCause: this.#stopCause };
    const memoryRanOut = () => this.#options.memoryKills() > this.#memoryKillsBefore;
    this.#end(runEnd({ ...facts, memoryRanOut, outputTail, outputBytes, logError }));
  }

  /** Like a container, a run ends with its command: `setsid` is the way out. */
  async #endLeftovers(process: RunProcess, exit: ProcessExit): Promise<void> {
    if (!signalGroup(process.pgid, 0) || !(await process.isOurs())) return;
    // A wrapper that came to its end has sent TERM itself.
    if (!('exitCode' in exit)) signalGroup(process.pgid, 'SIGTERM');
    await endGroup(process.pgid, LEFTOVER_GRACE_MS, this.#detached.signal);
  }

  #end(observation: RunObservation): void {
    this.observation = observation;
    this.#ready.resolve();
    this.#options.onEnd();
  }

  /** Stops observing; the process runs on. What has been read of its output is kept. */
  async detach(): Promise<void> {
    clearTimeout(this.#timer);
    this.#detached.abort();
    if (!this.#attached) return;
    const { process, output, directory } = this.#attached;
    process.detach();
    await output.close();
    leaveHeld(directory, output.held);
  }
}

/** The next process of ours could not tell: a wrapper that was killed has written nothing. */
function rememberSignal(directory: string, signal: NodeJS.Signals): void {
  try {
    appendFileSync(join(directory, 'status'), `${exitCodeOf(signal)}\n`);
  } catch {
    // It is a help after a crash only; now the signal is known.
  }
}

/** Whether the output came to its end; a disk that is slow to take what was read is waited for. */
async function drained(output: Output): Promise<boolean> {
  const enough = output.bytes + LEFT_MAX_BYTES;
  while (!(await within(output.ended, DRAIN_MS)))
    if (!output.isKeeping || output.bytes > enough) return false;
  return true;
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

/** A process that was itself frozen finds the limit passed before it has read what came meanwhile. */
function within(promise: Promise<void>, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => setImmediate(resolve, false), limitMs);
    void promise.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
