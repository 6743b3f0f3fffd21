// Leader election over a coordination.k8s.io Lease, by client-go’s rules: a candidate acquires a free lease, renews it
// each retry period, and stops leading after a renew deadline without success. It elects; it does not fence.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../control/ports.ts';
import { describeError, isAlreadyExists, isConflict, isNotFound } from './api-errors.ts';
import type { KubeClient } from './client.ts';
import {
  isHeldByOther,
  isHolder,
  newLease,
  observe,
  released,
  renewed,
  type Bid,
  type Lease,
  type ObservedLease,
} from './lease-record.ts';

export interface LeaderElectorOptions {
  client: KubeClient;
  logger: Logger;
  namespace: string;
  name: string;
  /** Unique per process, such as the pod’s name. */
  identity: string;
  /** How long other candidates wait for a silent holder, milliseconds; default 15,000. */
  leaseDurationMs?: number;
  /** The holder stops leading after this many milliseconds without a renewal; less than the lease; default 10,000. */
  renewDeadlineMs?: number;
  /** Time between two tries, milliseconds; default 2,000. */
  retryPeriodMs?: number;
  /** 0 <= value < 1; spreads the tries of several candidates. */
  random?: () => number;
}

/** How leading ended: the caller’s signal, or a lease that could not be renewed. */
export type LeadershipEnd = 'released' | 'lost';

export class LeaderElector {
  readonly #options: Required<LeaderElectorOptions>;
  readonly #path: string;
  #observed: ObservedLease | undefined;
  /** Monotonic instant at which the last successful renewal was sent. */
  #renewedAt = -Infinity;
  #leading = false;

  constructor(options: LeaderElectorOptions) {
    this.#options = {
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
      random: Math.random,
      ...options,
    };
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
  }

  /** Whether this process holds the lease now; correct also after a freeze, before any timer fires. */
  isLeader(): boolean {
    return this.#leading && performance.now() < this.#renewedAt + this.#options.renewDeadlineMs;
  }

  /** How often the lease has changed hands, as last observed: higher for each next leader. */
  term(): number {
    return this.#observed?.lease.spec?.leaseTransitions ?? 0;
  }

  /** Holder of the lease as last observed; undefined if it had none. */
  holder(): string | undefined {
    return this.#observed?.lease.spec?.holderIdentity || undefined;
  }

  /**
   * Waits for the lease, then leads until the signal aborts or the lease is lost. The signal passed to `lead` aborts in
   * both cases. The elector keeps the lease until `lead` has returned, and then releases it.
   */
  async run(signal: AbortSignal, lead: (leading: AbortSignal) => Promise<void>): Promise<LeadershipEnd> {
    if (!(await this.#acquire(signal))) return 'released';
    const { logger, identity, name } = this.#options;
    logger.info({ lease: name, identity }, 'started leading');
    this.#leading = true;
    const lost = new AbortController();
    const done = new AbortController();
    const renewing = this.#renewUntil(done.signal).catch(() => lost.abort());
    try {
      await lead(AbortSignal.any([signal, lost.signal]));
    } finally {
      done.abort();
      await renewing;
      this.#leading = false;
      if (!lost.signal.aborted) await this.#release();
      logger.info({ lease: name, identity, lost: lost.signal.aborted }, 'stopped leading');
    }
    return lost.signal.aborted ? 'lost' : 'released';
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#tryAcquireOrRenew()) return true;
      await this.#pause(signal);
    }
    return false;
  }

  /** Rejects when no renewal succeeded within the deadline, or another candidate holds the lease. */
  async #renewUntil(done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await this.#pause(done, this.#timeLeft());
      if (done.aborted || (await this.#tryAcquireOrRenew())) continue;
      if (this.#timeLeft() <= 0 || this.#isTakenByOther()) throw new Error('the lease was lost');
    }
  }

  #timeLeft(): number {
    return this.#renewedAt + this.#options.renewDeadlineMs - performance.now();
  }

  #isTakenByOther(): boolean {
    return this.#observed !== undefined && !isHolder(this.#observed.lease, this.#options.identity);
  }

  // At most one retry period, so that a candidate acquires a released lease within it.
  async #pause(signal: AbortSignal, atMostMs = Infinity): Promise<void> {
    const { retryPeriodMs, random } = this.#options;
    const ms = Math.max(0, Math.min(atMostMs, retryPeriodMs * (0.75 + random() / 4)));
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  /**
   * Returns false if another candidate holds the lease, or the server’s answer is unknown. A stop does not interrupt
   * it: without the answer to its write, the elector could not release the lease.
   */
  async #tryAcquireOrRenew(): Promise<boolean> {
    const { client, logger, renewDeadlineMs, name } = this.#options;
    const timeout = AbortSignal.timeout(renewDeadlineMs / 2);
    const sentAt = performance.now();
    try {
      if (!(await this.#acquireOrRenew(timeout))) return false;
      this.#renewedAt = sentAt;
      return true;
    } catch (error) {
      // Another candidate wrote the lease since it was read: read it again before the next try.
      if (isConflict(error) || isAlreadyExists(error)) await this.#read(timeout).catch(() => undefined);
      if (timeout.aborted) client.dropConnection();
      logger.debug({ lease: name, error: describeError(error) }, 'lease not renewed');
      return false;
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    // The holder knows its own record and writes without reading; a conflict reveals that it was wrong.
    const observed = this.isLeader() && this.#observed ? this.#observed : await this.#read(signal);
    if (observed && isHeldByOther(observed, identity, performance.now())) return false;
    const lease = observed
      ? await client.json<Lease>({
          method: 'PUT',
          path: `${this.#path}/${name}`,
          body: renewed(observed.lease, this.#bid()),
          signal,
        })
      : await client.json<Lease>({
          method: 'POST',
          path: this.#path,
          body: newLease(namespace, name, this.#bid()),
          signal,
        });
    this.#observed = observe(this.#observed, lease, performance.now());
    return true;
  }

  async #read(signal: AbortSignal): Promise<ObservedLease | undefined> {
    const { client, name } = this.#options;
    try {
      const lease = await client.json<Lease>({ path: `${this.#path}/${name}`, signal });
      this.#observed = observe(this.#observed, lease, performance.now());
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#observed = undefined;
    }
    return this.#observed;
  }

  #bid(): Bid {
    const { identity, leaseDurationMs } = this.#options;
    return { identity, leaseDurationMs, now: Date.now() };
  }

  async #release(): Promise<void> {
    const { client, logger, name, identity, retryPeriodMs } = this.#options;
    if (!this.#observed || !isHolder(this.#observed.lease, identity)) return;
    try {
      await client.request({
        method: 'PUT',
        path: `${this.#path}/${name}`,
        body: released(this.#observed.lease, Date.now()),
        signal: AbortSignal.timeout(retryPeriodMs),
      });
    } catch (error) {
      logger.warn({ lease: name, error: describeError(error) }, 'lease not released; it will expire');
    }
  }
}
