// What a process does while it holds the lease: it executes shell runs, evaluates the schedules, and at last either drains
// for a shutdown or stops at once. Each leadership has its own fence, runner and caches, so that what an earlier one left
// under way writes nothing while a later one leads.
import { once } from 'node:events';
import { systemClock } from '../../control/clock.ts';
import type { Config } from '../../config.ts';
import type { KeptOutput } from '../../core/record/output-chunks.ts';
import type { Run } from '../../core/run.ts';
import { fenced } from '../../kubernetes/api/fence.ts';
import type { KubeClient } from '../../kubernetes/api/client.ts';
import type { HostPods } from '../../kubernetes/operator/host-pods.ts';
import { keepHeartbeat } from '../../telemetry/heartbeat.ts';
import { awaitStop } from '../life.ts';
import { ClusterScheduler } from './cluster-scheduler.ts';
import { runEndsOf, type HostOptions, type RunEnds } from './run-ends.ts';
import { shellRuns, type ShellRuns } from './shell-runs.ts';
import { teamHistory, type Home } from '../supabase/team-history.ts';

export interface LeadershipOptions extends HostOptions {
  pods: HostPods;
  /** Increases with each change of leader. */
  term: number;
  /** False once another controller may lead. */
  holdsLease: () => boolean;
  /** Why the heartbeat is withheld; undefined while every schedule is evaluated. */
  trouble: () => string | undefined;
}

/** Longest wait for a stop, milliseconds. Skipping the rest is safe: the next leader finds each run by its name. */
const DRAIN_TIMEOUT_MS = 5_000;

/** LSH_ORIGIN keeps the identity when the cluster gets another certificate authority. */
function homeOf({ clusterId, namespace }: KubeClient, { originName = clusterId }: Config): Home {
  return { id: `${originName}/${namespace}`, kind: 'Cluster', name: namespace, namespace };
}

export class Leadership {
  readonly scheduler: ClusterScheduler;
  readonly #options: LeadershipOptions;
  readonly #shell: ShellRuns | undefined;
  #isOver = false;
  /** Settles when the runs of a Pod that is being deleted are recorded. */
  recordedLastEnds: Promise<void> | undefined;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    const { config, client, host, log, pods, term, holdsLease } = options;
    const isHostGone = (other: string) => pods.isGone(other);
    this.#shell = shellRuns({ config, host, term, isHostGone, log: log.component('shell') });
    const api = fenced(client, () => holdsLease() && !this.#isOver);
    const history = teamHistory(config, homeOf(client, config), {
      outputOf: (run, maxBytes) => this.#outputOf(run, maxBytes),
      jobOf: (key) => this.scheduler.jobOf(key),
    });
    this.scheduler = new ClusterScheduler({ ...options, api, shell: this.#shell, history });
  }

  /** Evaluates the schedules until `leading` aborts, and drains if it aborts for a shutdown. */
  async lead(leading: AbortSignal, stop: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const ended = leading.aborted ? Promise.resolve() : once(leading, 'abort');
    // While the API server cannot be read, the start waits and /readyz fails. The end of leadership ends the wait.
    await Promise.race([ended, this.scheduler.start()]);
    if (this.scheduler.evaluating) log.info({}, 'every schedule is evaluated');
    const stopHeartbeat = this.#keepHeartbeat();
    await ended;
    stopHeartbeat();
    if (stop.aborted) await this.#drain();
    else await this.#abandon();
  }

  async #drain(): Promise<void> {
    const runEnds = this.#hearLastEnds();
    await awaitStop(this.scheduler.stop(), DRAIN_TIMEOUT_MS, this.#options.log);
    // The runner waits for a listener: one of them is connected at every moment.
    await runEnds?.opened;
    await this.#shell?.close();
  }

  /** Another controller may already lead, so this one writes nothing more. What is due is the next leader’s. */
  async #abandon(): Promise<void> {
    this.#isOver = true;
    const stopped = Promise.all([this.#shell?.close(), this.scheduler.stop()]).then(() => undefined);
    await awaitStop(stopped, DRAIN_TIMEOUT_MS, this.#options.log);
  }

  /** Only the leader calls. Returns how to end it. */
  #keepHeartbeat(): () => void {
    const { config, log, trouble } = this.#options;
    const { heartbeatUrl: url, evaluationIntervalMs: intervalMs } = config;
    if (url === undefined) return () => {};
    const logger = log.component('heartbeat');
    return keepHeartbeat({ url, intervalMs, trouble: async () => trouble(), clock: systemClock, logger });
  }

  #hearLastEnds(): RunEnds | undefined {
    const runEnds = runEndsOf(this.#options);
    runEnds?.start();
    this.recordedLastEnds = runEnds && this.#recordLastEnds(runEnds);
    return runEnds;
  }

  /**
   * The runner of a Pod that is being deleted gives its runs time to end, and this process alone hears of them: it
   * records their ends while the next controller leads. In a Pod that stays, the next controller takes over the runs.
   */
  async #recordLastEnds(runEnds: RunEnds): Promise<void> {
    const { config, log, pods } = this.#options;
    const limitMs = config.runnerLeaseMs + config.runnerGraceMs + DRAIN_TIMEOUT_MS;
    if (await pods.isLeaving()) await awaitStop(runEnds.last(), limitMs, log);
    await runEnds.stop();
  }

  /** Of a Job the record has the end of the Pod’s log; of a shell run this host has the log. */
  async #outputOf(run: Run, maxBytes: number): Promise<KeptOutput | undefined> {
    const isHere = run.executor === 'Shell' && run.host === this.#options.host;
    return isHere ? this.#shell?.outputOf(run, maxBytes) : undefined;
  }
}
