// Joins the process of a run to its output and its files: of a run that starts, and of one that an earlier runner left.
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import { adoptChild, endedChild, openFifo, startChild } from './child.ts';
import { ForkServer } from './launch/fork-server.ts';
import type { Launcher, LaunchInput, RunProcess } from './launch/launcher.ts';
import { WrapperLauncher } from './launch/wrapper.ts';
import type { Attachment } from './live-run.ts';
import { Output } from './output/output.ts';
import {
  maskingAgain,
  saveReference,
  savedReference,
  type RunSecrets,
  type SecretSource,
} from './command/run-secrets.ts';
import { redactionOf } from '../../core/redaction/redaction.ts';
import { RunLog, type RunLogOptions } from './output/run-log.ts';
import type { Fate } from './recovery.ts';
import { logPath, readLogError, takeWithheld, type RunFiles } from './run-files.ts';
import { writeOwner } from './stand-in.ts';

/** How long a command may run before its output is read as it comes, milliseconds. Users who follow a log see this delay. */
const READ_AFTER_MS = 100;

export interface RunProcessesOptions {
  /** The values of these variables are masked in all output. */
  secrets: Readonly<Record<string, string>>;
  secretSource: SecretSource | undefined;
  maxOutputBytes: number;
  /** File mode mask of the commands. */
  umask: number;
  /** The program that starts the commands; a shell for each command does it without one. */
  forkServer: string | undefined;
}

/** A start that has claimed. */
export type ClaimedFate = Extract<Fate, { pid: number }>;

export class RunProcesses {
  readonly #files: RunFiles;
  readonly #options: RunProcessesOptions;
  /** Descriptor of the owner file, open for as long as this process reads. */
  #ownerFd: number | undefined;
  #launcher: Launcher | undefined;

  constructor(files: RunFiles, options: RunProcessesOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** From here on the launcher relies on this process to read the rest of the FIFOs. Call it before started(). */
  own(): void {
    const { owner: ownerFile } = this.#files;
    writeOwner(ownerFile, process.pid);
    this.#ownerFd = openSync(ownerFile, 'r');
    const reader = { ownerFile, descriptor: `/proc/${process.pid}/fd/${this.#ownerFd}` };
    const { forkServer } = this.#options;
    this.#launcher =
      forkServer === undefined ? new WrapperLauncher(reader) : new ForkServer(forkServer, reader);
  }

  /** This process reads no more. */
  disown(): void {
    this.#launcher?.close();
    rmSync(this.#files.owner, { force: true });
    if (this.#ownerFd !== undefined) closeSync(this.#ownerFd);
    this.#ownerFd = undefined;
  }

  /** Starts the command; rejects with SPAWN_FAILED. */
  async started(
    spec: JobSpec,
    run: string,
    { secrets, ...input }: Omit<LaunchInput, 'run' | 'umask'> & { secrets: RunSecrets | undefined },
  ): Promise<Attachment> {
    const { directory } = input;
    const { captureOutput } = spec;
    const keepsBackground = spec.backgroundChildren === 'keep';
    if (keepsBackground) writeFileSync(keepMarker(directory), '', { mode: 0o600 });
    if (!captureOutput) writeFileSync(noCaptureMarker(directory), '', { mode: 0o600 });
    if (secrets) saveReference(directory, secrets);
    const log = RunLog.create(this.#logOptions(run, directory));
    const started = await startChild(this.#launcher!, { ...input, run, umask: this.#options.umask });
    const values = [...this.#values(), ...Object.values(secrets?.variables ?? {})];
    const output = new Output({
      fd: started.outputFd,
      log,
      masking: redactionOf(values),
      readAfterMs: READ_AFTER_MS,
    });
    const { process: child } = started;
    const secretsVersion = secrets?.version;
    return {
      process: child,
      output,
      directory,
      isOwnChild: true,
      captureOutput,
      keepsBackground,
      secretsVersion,
    };
  }

  /** Observes a process that an earlier runner started. `mayLackOutput`: the process that read before was killed. */
  recovered(run: string, directory: string, fate: ClaimedFate, mayLackOutput: boolean): Attachment {
    const log = RunLog.reopen(this.#logOptions(run, directory));
    const masking = maskingAgain({
      directory,
      source: this.#options.secretSource,
      values: this.#values(),
      withheld: takeWithheld(directory),
    });
    const output = new Output({ fd: openFifo(directory), log, masking, logError: readLogError(directory) });
    return {
      process: recoveredProcess(run, directory, fate, output),
      output,
      directory,
      isOwnChild: false,
      captureOutput: !existsSync(noCaptureMarker(directory)),
      keepsBackground: existsSync(keepMarker(directory)),
      mayLackOutput,
      secretsVersion: savedReference(directory)?.version,
    };
  }

  #values(): string[] {
    return Object.values(this.#options.secrets);
  }

  #logOptions(run: string, directory: string): RunLogOptions {
    return { path: logPath(this.#files, run), directory, maxBytes: this.#options.maxOutputBytes };
  }
}

function recoveredProcess(run: string, directory: string, fate: ClaimedFate, output: Output): RunProcess {
  if (fate.state === 'Alive') return adoptChild(fate.pid, run, directory, output.ended);
  if (fate.state === 'Vanished') return endedChild(fate.pid, run, { vanished: true });
  const { exitCode, at } = fate;
  return endedChild(fate.pid, run, { exitCode, at, beforeRecovery: true });
}

/** A marker file: it tells the next runner that the run's record takes no output. */
function noCaptureMarker(directory: string): string {
  return join(directory, 'quiet');
}

/** A marker file: it tells the next runner that background processes of the command live on. */
function keepMarker(directory: string): string {
  return join(directory, 'keep');
}
