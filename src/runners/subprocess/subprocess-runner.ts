// The runner of shell runs: subprocesses of this host. It outlives nothing and loses nothing: children run on
// when it goes, and the next one finds them again. It knows no socket, no SQL and no Kubernetes.
import { createReadStream, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Listeners } from '../../control/listeners.ts';
import type { Runner } from '../../control/ports.ts';
import { DEFAULT_SHELL, type JobKey, type JobSpec } from '../../core/job.ts';
import type { RunObservation, StopCause } from '../../core/run.ts';
import { childEnvironment, type Command, type Environment, type StartedRun } from './child-env.ts';
import { adoptChild, endedChild, openFifo, startChild, type ChildInput, type RunProcess } from './child.ts';
import { FifoPool } from './output/fifo-pool.ts';
import { KnownRuns, lostRun, neverStarted, type ClaimedRun } from './known-runs.ts';
import { LiveRun, type Attachment } from './live-run.ts';
import { memoryKillCounter } from './memory-kills.ts';
import { Output } from './output/output.ts';
import { bootIdentity } from './process-identity.ts';
import { endOrphans } from './orphans.ts';
import { fateOf, isMarkedBoot, markBoot, startDirectories, sweep, type Fate } from './recovery.ts';
import {
  logPath,
  markLost,
  privateDirectory,
  removeStartDirectory,
  runFiles,
  startDirectory,
  takeHeld,
  type RunFiles,
} from './run-files.ts';
import { Redaction } from './output/redaction.ts';
import { SHELL_TRAITS } from '../shell-traits.ts';
import { RunLog } from './output/run-log.ts';

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
const DEFAULT_MAX_OUTPUT_BYTES = 10 * 1024 * 1024;

export interface SubprocessRunnerOptions {
  /** Private to this runner; created with mode 0700. */
  stateDir: string;
  /** Variables that every command is given; without a PATH the usual one is added. */
  inherit: Readonly<Record<string, string>>;
  /** The same, of which no output shows a value. */
  secrets?: Readonly<Record<string, string>>;
  /** Why the command must not be executed, as a sentence; asked before every execution. */
  check: (spec: JobSpec) => string | undefined;
  maxConcurrentRuns: number;
  /** Most bytes of output kept per run; default 10 MiB. */
  maxOutputBytes?: number;
  /** File mode mask of the commands; default: this process's own. */
  umask?: number;
  /** Milliseconds since the epoch; default: the system clock. */
  now?: () => number;
  /** How often the kernel has ended one of us for want of memory; default: what it says. */
  memoryKills?: () => number;
}

export class SubprocessRunner implements Runner {
  readonly traits = SHELL_TRAITS;
  readonly #options: Required<SubprocessRunnerOptions>;
  readonly #files: RunFiles;
  readonly #inherited: Environment;
  readonly #listeners = new Listeners<JobKey>();
  readonly #runs = new KnownRuns();
  #pool: FifoPool | undefined;
  #active = 0;
  #closed = false;
  /** Observed runs whose logs go with them. */
  readonly #unwanted = new Set<string>();
  /** Ended before recover() made them known, and why. */
  readonly #strays = new Map<string, StopCause>();

  constructor(options: SubprocessRunnerOptions) {
    this.#options = { ...defaults(), ...options };
    this.#files = runFiles(options.stateDir);
    this.#inherited = { PATH: DEFAULT_PATH, ...options.inherit, ...options.secrets };
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

  /** The jobs of which runs are observed. */
  keys(): JobKey[] {
    return [...this.#runs.keys()];
  }

  stop(name: string, cause: StopCause, graceMs: number): void {
    this.#runs.live(name)?.stop(cause, graceMs);
  }

  /** The log stays, until removeLog(). Nothing happens for a run that is still active. */
  release(name: string): void {
    const known = this.#runs.get(name);
    if (!known || known.observation.state === 'Running') return;
    this.#runs.delete(name);
    if (this.#unwanted.delete(name)) this.removeLog(name);
    if (!known.directory) return;
    if (known instanceof LiveRun && known.isQuiet) this.#pool!.give(known.directory);
    else removeStartDirectory(known.directory);
  }

  /** The output of a run as it was written; with `follow` until the run has ended. Empty when there is none. */
  async *log(
    name: string,
    options: { follow?: boolean; signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    const live = this.#runs.live(name);
    await live?.ready;
    const log = live?.output?.log;
    if (log) return yield* log.read(options);
    const path = logPath(this.#files, name);
    if (existsSync(path)) yield* createReadStream(path, { signal: options.signal });
  }

  /** Deletes the log of a run that nobody will ask for; of one that is observed, once it is released. */
  removeLog(name: string): void {
    if (this.#runs.get(name)) this.#unwanted.add(name);
    else rmSync(logPath(this.#files, name), { force: true });
  }

  /** Deletes the logs of all runs but these and those that are observed. */
  keepLogs(names: readonly string[]): void {
    const kept = new Set(names);
    for (const entry of readdirSync(this.#files.logs)) {
      const name = entry.replace(/\.log$/, '');
      if (name !== entry && !kept.has(name) && !this.#runs.get(name)) this.removeLog(name);
    }
  }

  /**
   * Makes the runner ready: call it first, with all shell runs that the ledger holds as Running. Living ones are
   * observed again, those that ended meanwhile have their exit code, those that were killed end as Lost, as do
   * those of which nothing can be known. Files of other runs are removed. A later call, by another who reads the
   * ledger, tells of the runs that are not known yet. One call at a time.
   */
  async recover(runs: readonly ClaimedRun[]): Promise<void> {
    const { runs: starts, logs, spare, owner } = this.#files;
    for (const directory of [this.#options.stateDir, starts, logs]) privateDirectory(directory);
    const sameBoot = markBoot(this.#files, bootIdentity(this.#options.now()));
    const directories = startDirectories(this.#files);
    for (const run of runs) {
      const directory = directories.get(run.name);
      directories.delete(run.name);
      if (!this.#runs.get(run.name)) await this.#recoverOne(run, directory, sameBoot);
    }
    if (this.#pool) return;
    for (const [run, directory] of directories) await sweep(directory, run);
    this.#pool = new FifoPool(spare, this.#inherited['PATH']!);
    // From here on the wrappers count on this process to read what they leave in their FIFOs.
    writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 });
    await this.#pool.ready();
  }

  async #recoverOne(held: ClaimedRun, directory: string | undefined, sameBoot: boolean): Promise<void> {
    const run = { ...held, stopCause: held.stopCause ?? this.#strays.get(held.name) };
    if (directory) this.#take(run, directory, await fateOf(directory, run.name, sameBoot));
    else if (sameBoot) this.#runs.add(run.name, neverStarted(run));
    else this.#lose(run, startDirectory(this.#files, run.name, 'lost'));
  }

  #lose(run: ClaimedRun, directory: string): void {
    markLost(directory);
    this.#runs.add(run.name, lostRun(run, directory, this.#options.now()));
  }

  /**
   * Before the first recover(): ends what an earlier process started, TERM and after the grace (milliseconds)
   * KILL. Who comes then with recover() is told the cause.
   */
  async endOrphans(cause: StopCause, graceMs: number): Promise<void> {
    if (this.#pool || !isMarkedBoot(this.#files, bootIdentity(this.#options.now()))) return;
    await endOrphans(this.#files, graceMs, (run) => this.#strays.set(run, cause));
  }

  #take(run: ClaimedRun, directory: string, fate: Fate): void {
    if (fate.state === 'Unknown') return this.#lose(run, directory);
    if (fate.state === 'NeverStarted') {
      this.#runs.add(run.name, neverStarted(run));
      return removeStartDirectory(directory);
    }
    const live = this.#begin(run, run.startedAt ?? this.#options.now());
    const log = RunLog.reopen(this.#logOptions(run.name, directory));
    const output = new Output(openFifo(directory), log, this.#redaction(takeHeld(directory)));
    const captureOutput = !existsSync(quietFile(directory));
    live.attach({ process: foundProcess(fate), output, directory, fresh: false, captureOutput });

    function foundProcess(found: FoundProcess): RunProcess {
      if (found.state === 'Alive') return adoptChild(found.pid, run.name, directory, output.ended);
      return endedChild(found.pid, run.name, found.state === 'Exited' ? found : { vanished: true });
    }
  }

  async start(job: Command, run: StartedRun): Promise<void> {
    if (this.#closed || this.#runs.live(run.name)) return;
    const live = this.#begin(run, this.#options.now());
    const refusal = this.#options.check(job.spec);
    if (refusal !== undefined) return live.fail('Refused', refusal);
    try {
      await this.#launch(job, run, live);
    } catch (error) {
      live.fail('SpawnError', (error as Error).message);
    }
  }

  async #launch(job: Command, run: StartedRun, live: LiveRun): Promise<void> {
    const { workingDir = this.#inherited['HOME'] ?? '/' } = job.spec;
    const env = await childEnvironment(this.#inherited, job, run, workingDir);
    const spare = await this.#pool!.take();
    if (this.#closed || live.endIfStopped()) return this.#pool!.give(spare.path);
    const directory = startDirectory(this.#files, run.name, spare.token);
    renameSync(spare.path, directory);
    try {
      live.attach(await this.#spawn(job.spec, run.name, { directory, workingDir, env }));
    } catch (error) {
      this.#pool!.give(directory);
      throw error;
    }
  }

  async #spawn(spec: JobSpec, name: string, place: Place): Promise<Attachment> {
    const { directory } = place;
    const { captureOutput } = spec;
    if (!captureOutput) writeFileSync(quietFile(directory), '', { mode: 0o600 });
    const log = RunLog.create(this.#logOptions(name, directory));
    const command = commandOf(spec);
    const { process, outputFd } = await startChild({
      ...place,
      command,
      ownerFile: this.#files.owner,
      umask: this.#options.umask,
    });
    const output = new Output(outputFd, log, this.#redaction());
    return { process, output, directory, fresh: true, captureOutput };
  }

  #redaction(held?: Buffer): Redaction | undefined {
    const secrets = Object.values(this.#options.secrets);
    return secrets.length > 0 || held?.length ? new Redaction(secrets, held) : undefined;
  }

  #logOptions(name: string, directory: string) {
    return { path: logPath(this.#files, name), directory, maxBytes: this.#options.maxOutputBytes };
  }

  #begin(run: ClaimedRun, startedAt: number): LiveRun {
    const { name, job: key, stopCause } = run;
    const { now, memoryKills } = this.#options;
    const onEnd = () => {
      this.#active--;
      this.#listeners.notify(key);
    };
    const live = new LiveRun({ name, key, startedAt, stopCause, now, memoryKills, onEnd });
    this.#active++;
    this.#runs.add(name, live);
    return live;
  }

  /** Stops observing and starts nothing more. The children run on and are found by the next recover(). */
  async close(): Promise<void> {
    this.#closed = true;
    rmSync(this.#files.owner, { force: true });
    await Promise.all(this.#runs.allLive().map((run) => run.detach()));
    await this.#pool?.close();
  }
}

function defaults() {
  return {
    secrets: {},
    maxOutputBytes: DEFAULT_MAX_OUTPUT_BYTES,
    umask: process.umask(),
    now: Date.now,
    memoryKills: memoryKillCounter(),
  };
}

type FoundProcess = Extract<Fate, { pid: number }>;
type Place = Pick<ChildInput, 'directory' | 'workingDir' | 'env'>;

/** What is run: the arguments as they are, or the command by its shell. */
function commandOf({ args, command, shell = DEFAULT_SHELL }: JobSpec): readonly string[] {
  return args ?? [shell, '-c', command ?? ''];
}

/** Its presence tells the next process that the output is not to be kept with the run. */
function quietFile(directory: string): string {
  return join(directory, 'quiet');
}
