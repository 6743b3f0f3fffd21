// The controller's side of shell runs: a Runner whose children live in `lsh runner` behind a socket. It keeps its
// observations while the connection is down and asks for the runs' fate after each reconnect.
import { Listeners } from '../../control/listeners.ts';
import type { Clock, Logger, Runner } from '../../control/ports.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { Run, RunObservation, StartingRun, StopCause } from '../../core/run.ts';
import { OtherHostRuns } from './other-host-runs.ts';
import { readRemoteLog, type LogOptions } from './remote-log.ts';
import { PendingStarts } from './pending-starts.ts';
import { LOGS_MAX, type RunnerMessage } from './protocol.ts';
import { nonceOf, record, RemoteRuns, wireNameOf } from './remote-runs.ts';
import { SHELL_TRAITS } from '../shell-traits.ts';
import { RunnerLink, unreachable, type RunnerSocket } from './runner-link.ts';

export interface RemoteRunnerOptions extends RunnerSocket {
  /** The host of this runner, as recorded in `Run.host`. */
  host: string;
  /** Fencing: grows with each change of leader. The runner refuses a lower term while a higher one is connected. */
  term?: number;
  clock: Clock;
  /** How long a runner lets its children outlive their controller, in milliseconds; the same on every host. */
  leaseDurationMs: number;
  /** Between TERM and KILL when that lease has run out, in milliseconds; the same on every host. */
  graceMs: number;
  /** Whether another host has ended, and with it all its runs; default: never known. Does not reject. */
  isHostGone?: (host: string) => Promise<boolean>;
  /** The runner says that another controller has taken over: start() rejects for a lease, until the next connection. */
  onSuperseded?: () => void;
  log: Logger;
}

/** Allows for late timers and for processes that take a moment to die. */
const MARGIN_MS = 2000;

export class RemoteRunner implements Runner {
  readonly traits = SHELL_TRAITS;
  readonly #options: RemoteRunnerOptions;
  readonly #link: RunnerLink;
  readonly #otherHosts: OtherHostRuns;
  readonly #listeners = new Listeners<JobKey>();
  readonly #runs = new RemoteRuns();
  readonly #starts = new PendingStarts();
  /** Logs of the ledger's runs, sent with the first `recover` only: later the list would lack newer runs. */
  #logsToKeep: string[] | undefined;
  /** Wire names of removed runs, until there is a connection to remove their logs. */
  readonly #logsToRemove = new Set<string>();
  /** Jobs to announce once connected: an observation changed, or a start found no connection or no capacity. */
  readonly #awaitingConnection = new Set<JobKey>();
  #synced = false;
  #capacity = 0;

  constructor(options: RemoteRunnerOptions) {
    this.#options = options;
    const { socketPath, leaseDurationMs, graceMs, clock, log, term = 0 } = options;
    this.#link = new RunnerLink({
      socketPath,
      socketFault: options.socketFault,
      term,
      leaseDurationMs,
      onOpen: () => this.#link.send({ type: 'recover', runs: this.#runs.claims(), logs: this.#logsToKeep }),
      onMessage: (message) => this.#receive(message),
      onClose: () => this.#disconnected(),
      onSuperseded: () => options.onSuperseded?.(),
      log,
    });
    const waitMs = leaseDurationMs + graceMs + MARGIN_MS;
    this.#otherHosts = new OtherHostRuns({
      clock,
      waitMs,
      isGone: options.isHostGone ?? (async () => false),
      onGone: (key) => this.#listeners.notify(key),
    });
  }

  /**
   * Takes over with all shell runs in the ledger, once, at the start of leadership; the runner removes the logs of all
   * others. Does not wait for the connection: until then, observations repeat the ledger.
   */
  recover(runs: readonly Run[]): void {
    const { host } = this.#options;
    const isOwn = (run: Run) => run.host === undefined || run.host === host;
    const running = runs.filter(({ phase }) => phase === 'Running');
    this.#otherHosts.presumeRunning(running.filter((run) => !isOwn(run)));
    this.#runs.presumeRunning(running.filter(isOwn));
    const logs = runs.filter(isOwn).map(({ job, name }) => wireNameOf(job, name));
    if (logs.length <= LOGS_MAX) this.#logsToKeep = logs;
    this.#link.open();
  }

  capacity(): number {
    return this.#synced ? Math.max(0, this.#capacity - this.#starts.size) : 0;
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#listeners.add(listener);
  }

  observe(key: JobKey): RunObservation[] {
    // A runner that stops has no capacity; the next one has.
    if (this.capacity() === 0) this.#awaitingConnection.add(key);
    return [...this.#runs.observe(key), ...this.#otherHosts.observe(key)];
  }

  /**
   * Rejects with RUNNER_UNREACHABLE when the start may or may not have arrived: the run is observed as Running until
   * the reconnected runner reports it, or proves that it never started. Resolves before a late answer, which changes only
   * what is observed.
   */
  async start(job: Job, run: StartingRun): Promise<void> {
    const wireName = wireNameOf(run.job, run.name);
    const known = this.#runs.get(wireName);
    if (known && known.observation.state !== 'NeverStarted') return;
    const { name, job: key, slot, attempt, startAfter, cause, stopCause, traceparent, startedAt } = run;
    const observation = {
      name,
      state: 'Running',
      startedAt: startedAt ?? this.#options.clock.now(),
    } as const;
    const nonce = nonceOf(run);
    this.#runs.add(wireName, { key, nonce, observation, inquiry: 'none' });
    if (!this.#synced) throw unreachable('it is not connected');
    const { id, answered } = this.#starts.add(wireName);
    this.#link.send({
      type: 'start',
      id,
      job: { name: job.name, spec: job.spec },
      run: { nonce, name: wireName, job: key, slot, attempt, startAfter, cause, stopCause, traceparent },
    });
    await answered;
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
    // Without a connection the release waits: the loop hears of the run again, and releases it again.
    if (!this.#synced) return void this.#awaitingConnection.add(key);
    this.#runs.delete(wireName);
    this.#link.send({ type: 'release', name: wireName });
  }

  remove(name: string, key: JobKey): void {
    this.#logsToRemove.add(wireNameOf(key, name));
    if (this.#synced) this.#removeLogs();
  }

  /** The output of a run on this host, with `follow` until it has ended. Rejects with RUNNER_UNREACHABLE. */
  log(name: string, key: JobKey, options: LogOptions = {}): AsyncGenerator<Uint8Array> {
    return readRemoteLog(this.#options, wireNameOf(key, name), options);
  }

  /** Leaves the children to the next controller. */
  async close(): Promise<void> {
    this.#otherHosts.close();
    await this.#link.close();
  }

  #receive(message: RunnerMessage): void {
    switch (message.type) {
      case 'observed':
        this.#observed(message.nonce, message.observation);
        return;
      case 'capacity':
        this.#capacity = message.capacity;
        return;
      case 'synced':
        this.#connected();
        return;
      case 'started':
        this.#starts.answer(message.id);
        return;
      case 'refused':
        this.#startRefused(message.id, message.detail);
        return;
      case 'superseded':
    }
  }

  /** Ends the connection if the runner speaks of a run that this controller did not give it. */
  #observed(nonce: string, observation: RunObservation): void {
    const run = this.#runs.given(observation.name, nonce);
    if (run === undefined) throw unreachable(`it reports ${observation.name}, a run that it was not given`);
    if (!record(run, observation)) return;
    // Before `synced` the capacity is 0: the loop could start nothing yet.
    if (this.#synced) this.#listeners.notify(run.key);
    else this.#awaitingConnection.add(run.key);
  }

  #connected(): void {
    if (this.#synced) throw unreachable('it sent `synced` again');
    this.#synced = true;
    this.#logsToKeep = undefined;
    for (const key of this.#runs.resolveUnreported()) this.#awaitingConnection.add(key);
    for (const [name, stop] of this.#runs.pendingStops()) this.#link.send({ type: 'stop', name, ...stop });
    this.#removeLogs();
    const keys = [...this.#awaitingConnection];
    this.#awaitingConnection.clear();
    for (const key of keys) this.#listeners.notify(key);
  }

  #disconnected(): void {
    this.#synced = false;
    this.#starts.failAll(unreachable('the connection failed before it answered'));
  }

  /** A refused start is final, so the run ends as a SpawnError. */
  #startRefused(id: number, message: string): void {
    const run = this.#runs.get(this.#starts.answer(id) ?? '');
    if (run?.observation.state !== 'Running') return;
    const { name } = run.observation;
    const finishedAt = this.#options.clock.now();
    run.observation = { name, state: 'Ended', finishedAt, reason: 'SpawnError', message };
    this.#listeners.notify(run.key);
  }

  #removeLogs(): void {
    for (const name of this.#logsToRemove) this.#link.send({ type: 'removeLog', name });
    this.#logsToRemove.clear();
  }
}
