// The controller's side of shell runs: a Runner whose children are held by `lsh runner` behind a socket. What it
// knows stays known while the connection is down; what became of it is asked when there is one again.
import { Listeners } from '../../control/listeners.ts';
import type { Clock, Logger, Runner } from '../../control/ports.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { Run, RunObservation, StopCause } from '../../core/run.ts';
import { AbsentRuns } from './absent-runs.ts';
import { readRemoteLog, type LogOptions } from './remote-log.ts';
import { LOGS_MAX, type RunnerMessage } from './protocol.ts';
import { RemoteRuns, wireNameOf } from './remote-runs.ts';
import { SHELL_TRAITS } from '../shell-traits.ts';
import { RunnerLink, unreachable } from './runner-link.ts';

export interface RemoteRunnerOptions {
  socketPath: string;
  /** Where the runs of this runner live, as recorded with them. */
  host: string;
  /** Fencing: grows with each change of leader; the runner refuses a lower one while a higher one is connected. */
  term?: number;
  clock: Clock;
  /** How long a runner lets its children live without a controller, in milliseconds; the same everywhere. */
  leaseDurationMs: number;
  /** How long they have from TERM to KILL then, in milliseconds; the same everywhere. */
  graceMs: number;
  /** Another controller has taken over the runner; nothing can be started through this one any more. */
  onSuperseded?: () => void;
  log: Logger;
}

/** For timers that are late and processes that take a moment to die. */
const MARGIN_MS = 2000;

interface PendingStart extends PromiseWithResolvers<void> {
  wireName: string;
}

export class RemoteRunner implements Runner {
  readonly traits = SHELL_TRAITS;
  readonly #options: RemoteRunnerOptions;
  readonly #link: RunnerLink;
  readonly #foreign: AbsentRuns;
  readonly #listeners = new Listeners<JobKey>();
  readonly #runs = new RemoteRuns();
  readonly #starts = new Map<number, PendingStart>();
  /** Logs that the ledger still shows, until the runner has been told: later it is not asked for them again. */
  #logs: string[] | undefined;
  /** Logs that could not be removed yet. */
  readonly #removals = new Set<string>();
  /** Jobs to be looked at when there is a connection: something is new, or could not start. */
  readonly #toAnnounce = new Set<JobKey>();
  #synced = false;
  #capacity = 0;
  #startId = 0;

  constructor(options: RemoteRunnerOptions) {
    this.#options = options;
    const { socketPath, leaseDurationMs, graceMs, clock, log, term = 0 } = options;
    this.#link = new RunnerLink({
      socketPath,
      term,
      leaseDurationMs,
      onOpen: () => this.#link.send({ type: 'recover', runs: this.#runs.ask(), logs: this.#logs }),
      onMessage: (message) => this.#take(message),
      onClose: () => this.#disconnected(),
      onSuperseded: () => options.onSuperseded?.(),
      log,
    });
    const waitMs = leaseDurationMs + graceMs + MARGIN_MS;
    this.#foreign = new AbsentRuns({ clock, waitMs, onGone: (key) => this.#listeners.notify(key) });
  }

  /**
   * Takes over, once, at the start of leadership, with all shell runs that the ledger shows: the logs of others go.
   * Does not wait for the connection: until it is there those that run are observed as they are recorded.
   */
  recover(runs: readonly Run[]): void {
    const { host } = this.#options;
    const isOwn = (run: Run) => run.host === undefined || run.host === host;
    const running = runs.filter(({ phase }) => phase === 'Running');
    this.#foreign.hold(running.filter((run) => !isOwn(run)));
    this.#runs.hold(running.filter(isOwn));
    const logs = runs.filter(isOwn).map(({ job, name }) => wireNameOf(job, name));
    if (logs.length <= LOGS_MAX) this.#logs = logs;
    this.#link.open();
  }

  capacity(): number {
    return this.#synced ? Math.max(0, this.#capacity - this.#starts.size) : 0;
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  observe(key: JobKey): RunObservation[] {
    if (!this.#synced) this.#toAnnounce.add(key);
    return [...this.#runs.observe(key), ...this.#foreign.observe(key)];
  }

  /**
   * Rejects with RUNNER_UNREACHABLE where it cannot be known whether the run starts: it is observed as running
   * until the runner can be asked, which then proves that it never started, or tells how it goes.
   */
  async start(job: Job, run: Run): Promise<void> {
    const wireName = wireNameOf(run.job, run.name);
    const known = this.#runs.get(wireName);
    if (known && known.observation.state !== 'NeverStarted') return;
    const { name, job: key, slot, attempt, startAfter, stopCause, startedAt } = run;
    const observation = {
      name,
      state: 'Running',
      startedAt: startedAt ?? this.#options.clock.now(),
    } as const;
    this.#runs.add(wireName, { key, observation, standing: 'unasked' });
    if (!this.#synced) throw unreachable('there is no connection to it');
    const pending = { wireName, ...Promise.withResolvers<void>() };
    const id = this.#startId++;
    this.#starts.set(id, pending);
    this.#link.send({
      type: 'start',
      id,
      job: { name: job.name, spec: job.spec },
      run: { name: wireName, job: key, slot, attempt, startAfter, stopCause },
    });
    await pending.promise;
  }

  stop(name: string, cause: StopCause, graceMs: number, key: JobKey): void {
    const wireName = wireNameOf(key, name);
    const run = this.#runs.get(wireName);
    if (run?.observation.state !== 'Running' || run.stop) return;
    run.stop = { cause, graceMs };
    if (this.#synced) this.#link.send({ type: 'stop', name: wireName, cause, graceMs });
  }

  release(name: string, key: JobKey): void {
    const wireName = wireNameOf(key, name);
    const run = this.#runs.get(wireName);
    if (!run || run.observation.state === 'Running') return;
    this.#runs.delete(wireName);
    // Said again after the next connection where this one is gone: the runner will still observe it.
    if (this.#synced) this.#link.send({ type: 'release', name: wireName });
  }

  remove(name: string, key: JobKey): void {
    this.#removals.add(wireNameOf(key, name));
    if (this.#synced) this.#removeLogs();
  }

  /** The output of a run of this host, with `follow` until it has ended. Rejects with RUNNER_UNREACHABLE. */
  log(name: string, key: JobKey, options: LogOptions = {}): AsyncGenerator<Uint8Array> {
    return readRemoteLog(this.#options.socketPath, wireNameOf(key, name), options);
  }

  /** Leaves the children to the next controller. */
  async close(): Promise<void> {
    this.#foreign.close();
    await this.#link.close();
  }

  #take(message: RunnerMessage): void {
    switch (message.type) {
      case 'observed':
        this.#observed(message.key, message.observation);
        return;
      case 'capacity':
        this.#capacity = message.capacity;
        return;
      case 'synced':
        this.#connected();
        return;
      case 'started':
        this.#answered(message.id);
        return;
      case 'refused':
        this.#refused(message.id, message.detail);
        return;
      case 'superseded':
    }
  }

  #observed(key: JobKey, observation: RunObservation): void {
    if (!this.#runs.told(key, observation)) return;
    // Who heard of it earlier could start nothing yet.
    if (this.#synced) this.#listeners.notify(key);
    else this.#toAnnounce.add(key);
  }

  #connected(): void {
    this.#synced = true;
    this.#logs = undefined;
    this.#link.settled();
    for (const key of this.#runs.settle()) this.#toAnnounce.add(key);
    for (const [name, stop] of this.#runs.stops()) this.#link.send({ type: 'stop', name, ...stop });
    this.#removeLogs();
    const keys = [...this.#toAnnounce];
    this.#toAnnounce.clear();
    for (const key of keys) this.#listeners.notify(key);
  }

  #disconnected(): void {
    this.#synced = false;
    const starts = [...this.#starts.values()];
    this.#starts.clear();
    for (const { reject } of starts) reject(unreachable('the connection broke before it answered'));
  }

  #answered(id: number): PendingStart | undefined {
    const pending = this.#starts.get(id);
    this.#starts.delete(id);
    pending?.resolve();
    return pending;
  }

  /** It will not start later either: an end like others. */
  #refused(id: number, message: string): void {
    const run = this.#runs.get(this.#answered(id)?.wireName ?? '');
    if (run?.observation.state !== 'Running') return;
    const { name } = run.observation;
    const finishedAt = this.#options.clock.now();
    run.observation = { name, state: 'Ended', finishedAt, reason: 'SpawnError', message };
    this.#listeners.notify(run.key);
  }

  #removeLogs(): void {
    for (const name of this.#removals) this.#link.send({ type: 'removeLog', name });
    this.#removals.clear();
  }
}
