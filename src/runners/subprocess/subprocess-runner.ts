// The runner of shell runs: subprocesses of this host. Children outlive it, and the next runner recovers them. It knows
// no socket, no SQL and no Kubernetes.
import type { ChildProcess } from 'node:child_process';
import { renameSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../control/clock.ts';
import { ClockSteps } from '../../control/clock-steps.ts';
import { Listeners } from '../../control/listeners.ts';
import type { Runner } from '../../control/ports.ts';
import type { JobKey } from '../../core/job.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import type { KeptOutput } from '../../core/record/output-chunks.ts';
import type { RunObservation, StopCause } from '../../core/run.ts';
import { userVariables, type Command, type Environment, type StartedRun } from './command/child-env.ts';
import { FifoPool } from './output/fifo-pool.ts';
import { KnownRuns, lostRun, neverStarted, type ClaimedRun } from './known-runs.ts';
import { LiveRun, type Attachment } from './live-run.ts';
import { memoryKillCounter } from './memory-kills.ts';
import { KeptLogs } from './output/kept-logs.ts';
import { prepareCommand } from './command/prepared-command.ts';
import type { SecretSource } from './command/run-secrets.ts';
import { bootIdentity } from './process-identity.ts';
import {
  endOrphans,
  fateOf,
  isMarkedBoot,
  markBoot,
  startDirectories,
  removeStaleStart,
  type Fate,
} from './recovery.ts';
import {
  markLost,
  privateDirectory,
  removeStartDirectory,
  runFiles,
  startDirectory,
  type RunFiles,
} from './run-files.ts';
import { RunProcesses } from './run-processes.ts';
import { SHELL_TRAITS } from '../shell-traits.ts';
import { armStandIn, endStandIn } from './stand-in.ts';

/** How long close() waits for starts under way. */
const STARTS_LIMIT_MS = 5_000;
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
const DEFAULT_MAX_OUTPUT_BYTES = 10 * 1024 * 1024;

export interface SubprocessRunnerOptions {
  /** Private to this runner; created with mode 0700. */
  stateDir: string;
  /** Variables for every command. The runner adds those of cron if they are missing: PATH, USER, LOGNAME, HOME, SHELL. */
  inherit: Readonly<Record<string, string>>;
  /** Further variables for every command; the runner masks their values in all output. */
  secrets?: Readonly<Record<string, string>>;
  /** Opens the secrets of jobs with spec.secretsEnv; without it, their runs fail. */
  secretSource?: SecretSource;
  /** Called before every execution; returns a sentence that says why the command must not run. */
  check: (spec: JobSpec, job: JobKey) => string | undefined;
  maxConcurrentRuns: number;
  /** Most bytes of output kept per run; default 10 MiB. */
  maxOutputBytes?: number;
  /**
   * The command that reads the output on when this process has ended, word by word; it calls standIn(). Without it,
   * commands wait at the full pipe for the next runner.
   */
  standIn?: readonly string[];
  /** The program that starts the commands (see forkServerProgram()). Without it, a shell starts each command. */
  forkServer?: string | undefined;
  /** File mode mask of the commands; default: that of this process. */
  umask?: number;
  /** Default: the system clock. */
  clock?: Pick<ClockSteps, 'look' | 'movedMs'>;
  /** How many processes of this control group the kernel has killed for lack of memory; default: its own counter. */
  memoryKills?: () => number;
}

export class SubprocessRunner implements Runner {
  readonly traits = SHELL_TRAITS;
  readonly #options: Required<Omit<SubprocessRunnerOptions, 'secretSource' | 'forkServer'>> & {
    secretSource: SecretSource | undefined;
    forkServer: string | undefined;
  };
  readonly #files: RunFiles;
  readonly #inherited: Environment;
  readonly #listeners = new Listeners<JobKey>();
  readonly #runs = new KnownRuns();
  readonly #logs: KeptLogs;
  readonly #processes: RunProcesses;
  #pool: FifoPool | undefined;
  #standIn: ChildProcess | undefined;
  /** Whether the stand-in of the earlier runner was killed while it read. */
  #mayLackOutput = false;
  #active = 0;
  #closed = false;
  readonly #starting = new Set<Promise<Attachment>>();
  /** Stop causes of the runs that endOrphans() ended, for the recover() that follows. */
  readonly #endedOrphans = new Map<string, StopCause>();

  constructor(options: SubprocessRunnerOptions) {
    this.#options = { ...defaults(), secretSource: undefined, forkServer: undefined, ...options };
    this.#files = runFiles(options.stateDir);
    this.#processes = new RunProcesses(this.#files, this.#options);
    this.#logs = new KeptLogs(this.#files, (run) => this.#runs.get(run) !== undefined);
    this.#inherited = { PATH: DEFAULT_PATH, ...userVariables(), ...options.inherit, ...options.secrets };
  }

  capacity(): number {
    return this.#closed ? 0 : Math.max(0, this.#options.maxConcurrentRuns - this.#active);
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  observe(key: JobKey): RunObservation[] {
    return this.#runs.observe(key);
  }

  /** The jobs with observed runs. */
  keys(): JobKey[] {
    return [...this.#runs.keys()];
  }

  stop(name: string, cause: StopCause, graceMs: number): void {
    this.#runs.live(name)?.stop(cause, graceMs);
  }

  /** Forgets a finished run; an active run is ignored. The log stays until removeLog(). */
  release(name: string): void {
    const known = this.#runs.get(name);
    if (!known || known.observation.state === 'Running') return;
    this.#runs.delete(name);
    this.#logs.released(name);
    if (!known.directory) return;
    if (known instanceof LiveRun && known.hasFreeDirectory) this.#pool!.give(known.directory);
    else removeStartDirectory(known.directory);
  }

  /** The output of a run as it was written; with `follow` until the run has ended. Yields nothing without output. */
  async *log(
    name: string,
    options: { follow?: boolean; signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    const live = this.#runs.live(name);
    await live?.ready;
    const log = live?.output?.log;
    yield* log ? log.read(options) : this.#logs.read(name, options.signal);
  }

  /** The beginning and the end of a finished run's log; undefined without a readable log. */
  keptOutput(name: string, maxBytes: number): KeptOutput | undefined {
    return this.#logs.ends(name, maxBytes);
  }

  /** Deletes the log of a run; that of an observed run after its release. */
  removeLog(name: string): void {
    this.#logs.remove(name);
  }

  /** Size of all logs together. */
  logBytes(): Promise<number> {
    return this.#logs.bytes();
  }

  /** Deletes the oldest logs beyond the size of all together, none of an observed run. Returns how many. */
  trimLogs(maxBytes: number): Promise<number> {
    return this.#logs.trim(maxBytes);
  }

  /** Deletes the logs of all runs except the named and the observed. */
  keepLogs(names: readonly string[]): void {
    this.#logs.keepOnly(names);
  }

  /**
   * Makes the runner ready; call it first, with all Running shell runs of the ledger. Observes living runs again, ends
   * runs that finished meanwhile with their exit code, and ends killed or untraceable runs as Lost. Removes the files of
   * all other runs. A later call, by the next controller, adds the runs that are not observed yet. The caller
   * serializes calls.
   */
  async recover(runs: readonly ClaimedRun[]): Promise<void> {
    const { state, runs: starts, logs, spare } = this.#files;
    for (const directory of [state, starts, logs]) privateDirectory(directory);
    if (!this.#pool) this.#mayLackOutput = await endStandIn(this.#files);
    const sameBoot = markBoot(this.#files, bootIdentity(this.#now()));
    const directories = startDirectories(this.#files);
    for (const run of runs) {
      const directory = directories.get(run.name);
      directories.delete(run.name);
      if (!this.#runs.get(run.name)) await this.#recoverRun(run, directory, sameBoot);
    }
    if (this.#pool) return;
    for (const [run, directory] of directories) await removeStaleStart(directory, run);
    this.#pool = new FifoPool({
      directory: spare,
      path: this.#inherited['PATH']!,
      concurrentRuns: this.#options.maxConcurrentRuns,
    });
    this.#processes.own();
    if (this.#runs.allLive().length > 0) this.#armStandIn();
    await this.#pool.ready();
  }

  /** Not at the start of a runner without runs, which a fork would delay. */
  #armStandIn(): void {
    const { standIn } = this.#options;
    if (standIn.length > 0) this.#standIn ??= armStandIn(this.#files, standIn);
  }

  async #recoverRun(claimed: ClaimedRun, directory: string | undefined, sameBoot: boolean): Promise<void> {
    const run = { ...claimed, stopCause: claimed.stopCause ?? this.#endedOrphans.get(claimed.name) };
    if (directory) this.#resume(run, directory, await fateOf(directory, run.name, sameBoot));
    else if (sameBoot) this.#runs.add(run.name, neverStarted(run));
    else this.#recordLost(run, startDirectory(this.#files, run.name, 'lost'));
  }

  #recordLost(run: ClaimedRun, directory: string): void {
    markLost(directory);
    this.#runs.add(run.name, lostRun(run, directory, this.#now()));
  }

  /**
   * Before the first recover(): ends the runs of an earlier runner with TERM, and KILL after the grace (milliseconds).
   * The recover() that follows reports the cause as their reason.
   */
  async endOrphans(cause: StopCause, graceMs: number): Promise<void> {
    if (this.#pool || !isMarkedBoot(this.#files, bootIdentity(this.#now()))) return;
    await endOrphans(this.#files, graceMs, (run) => this.#endedOrphans.set(run, cause));
  }

  #resume(run: ClaimedRun, directory: string, fate: Fate): void {
    if (fate.state === 'Unknown') return this.#recordLost(run, directory);
    if (fate.state === 'NeverStarted') {
      this.#runs.add(run.name, neverStarted(run));
      return removeStartDirectory(directory);
    }
    const live = this.#track(run, run.startedAt ?? this.#now());
    live.attach(this.#processes.recovered(run.name, directory, fate, this.#mayLackOutput));
  }

  async start(job: Command, run: StartedRun): Promise<void> {
    if (this.#closed || this.#runs.live(run.name)) return;
    const live = this.#track(run, this.#now());
    const refusal = this.#options.check(job.spec, run.job);
    if (refusal !== undefined) return this.#fail(live, run.name, 'Refused', refusal);
    try {
      await this.#launch(job, run, live);
    } catch (error) {
      this.#fail(live, run.name, 'SpawnError', (error as Error).message);
    }
  }

  /** Ends a run that has no process. Its log says why: users look there first. */
  #fail(live: LiveRun, name: string, reason: 'Refused' | 'SpawnError', message: string): void {
    this.#logs.writeFailure(name, message);
    live.fail(reason, message);
  }

  async #launch(job: Command, run: StartedRun, live: LiveRun): Promise<void> {
    const prepared = await prepareCommand(job, run, {
      inherited: this.#inherited,
      check: this.#options.check,
      secretSource: this.#options.secretSource,
    });
    if (prepared.refusal !== undefined) return this.#fail(live, run.name, 'Refused', prepared.refusal);
    const spare = await this.#pool!.take();
    if (this.#closed || live.endIfStopped()) return this.#pool!.give(spare.path);
    this.#armStandIn();
    const directory = startDirectory(this.#files, run.name, spare.token);
    renameSync(spare.path, directory);
    const starting = this.#processes.started(job.spec, run.name, { ...prepared, directory });
    this.#starting.add(starting);
    try {
      live.attach(await starting);
    } catch (error) {
      this.#pool!.give(directory);
      throw error;
    } finally {
      this.#starting.delete(starting);
    }
  }

  #now(): number {
    return this.#options.clock.look().now;
  }

  #track(run: ClaimedRun, startedAt: number): LiveRun {
    const { name, job: key, stopCause } = run;
    const { clock, memoryKills } = this.#options;
    const onEnd = () => {
      this.#active--;
      this.#listeners.notify(key);
    };
    const live = new LiveRun({ name, key, startedAt, stopCause, clock, memoryKills, onEnd });
    this.#active++;
    this.#runs.add(name, live);
    return live;
  }

  /** Stops observing and starts nothing more. The children run on; the next recover() finds them. */
  async close(): Promise<void> {
    this.#closed = true;
    // Their output would lack what a closed runner reads. A fork server that was stopped (SIGSTOP) starts nothing.
    await Promise.race([
      Promise.allSettled(this.#starting),
      delay(STARTS_LIMIT_MS, undefined, { ref: false }),
    ]);
    this.#processes.disown();
    await Promise.all(this.#runs.allLive().map((run) => run.detach()));
    // From here on the stand-in reads.
    this.#standIn?.stdin?.end();
    await this.#pool?.close();
  }
}

function defaults() {
  return {
    secrets: {},
    standIn: [],
    maxOutputBytes: DEFAULT_MAX_OUTPUT_BYTES,
    umask: process.umask(),
    clock: new ClockSteps(systemClock, 'of this runner'),
    memoryKills: memoryKillCounter(),
  };
}
