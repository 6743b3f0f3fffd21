// Leader election over a coordination.k8s.io Lease, by client-go’s rules: a candidate acquires a free lease, renews it
// each retry period, and stops leading after a renew deadline without success. It elects; it does not fence. The times
// are shorter than client-go’s: see docs/adr/0015.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../control/ports.ts';
import { describeError, isAlreadyExists, isConflict, isNotFound } from './api-errors.ts';
import type { KubeClient } from './client.ts';
import {
  heldByOtherMs,
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
  /** How long other candidates wait for a silent holder, in whole seconds as milliseconds. */
  leaseDurationMs: number;
  /** 0 <= value < 1; spreads the tries of several candidates. */
  random?: () => number;
}

/** How leading ended: the caller’s signal, or a lease that could not be renewed. */
export type LeadershipEnd = 'released' | 'lost';

/** Tries in the time of a lease, the holder’s and each candidate’s. */
const TRIES_PER_LEASE = 12;
/** The holder stops leading this much before another candidate may take the lease, milliseconds. */
const MARGIN_MS = 100;

export class LeaderElector {
  readonly #options: Required<LeaderElectorOptions>;
  /** The holder stops leading after this many milliseconds without a renewal. */
  readonly #renewDeadlineMs: number;
  /** Longest time between two tries, milliseconds. */
  readonly #retryPeriodMs: number;
  readonly #path: string;
  #observed: ObservedLease | undefined;
  /** Monotonic instant at which the last successful renewal was sent. */
  #renewedAt = -Infinity;
  #leading = false;

  constructor(options: LeaderElectorOptions) {
    this.#options = { random: Math.random, ...options };
    this.#renewDeadlineMs = options.leaseDurationMs - MARGIN_MS;
    this.#retryPeriodMs = options.leaseDurationMs / TRIES_PER_LEASE;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
  }

  /** Whether this process holds the lease now; correct also after a freeze, before any timer fires. */
  isLeader(): boolean {
    return this.#leading && this.#timeLeft() > 0;
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
      // A try at the very expiry: a killed holder costs no further retry period.
      const heldMs = this.#heldByOtherMs();
      await this.#pause(signal, heldMs > 0 ? heldMs : Infinity);
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
    return this.#renewedAt + this.#renewDeadlineMs - performance.now();
  }

  #isOwn(): boolean {
    return this.#observed !== undefined && isHolder(this.#observed.lease, this.#options.identity);
  }

  #isTakenByOther(): boolean {
    return this.#observed !== undefined && !this.#isOwn();
  }

  #heldByOtherMs(): number {
    if (this.#observed === undefined) return 0;
    return heldByOtherMs(this.#observed, this.#options.identity, performance.now());
  }

  // At most one retry period, so that a candidate acquires a released lease within it.
  async #pause(signal: AbortSignal, atMostMs = Infinity): Promise<void> {
    const ms = Math.max(0, Math.min(atMostMs, this.#retryPeriodMs * (0.75 + this.#options.random() / 4)));
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  /**
   * Returns false if another candidate holds the lease, or the server’s answer is unknown. A stop does not interrupt
   * it: without the answer to its write, the elector could not release the lease.
   */
  async #tryAcquireOrRenew(): Promise<boolean> {
    const { client, logger, name } = this.#options;
    const timeout = AbortSignal.timeout(this.#renewDeadlineMs / 2);
    const sentAt = performance.now();
    try {
      if (!(await this.#acquireOrRenew(timeout))) return false;
      this.#renewedAt = sentAt;
      return true;
    } catch (error) {
      logger.debug({ lease: name, error: describeError(error) }, 'lease not renewed');
      if (timeout.aborted) client.dropConnection();
      if (!isConflict(error) && !isAlreadyExists(error)) return false;
      // The lease was written since it was read: read it again before the next try.
      await this.#read(timeout).catch(() => undefined);
      // A stalled server carries out a renewal that the holder has given up. It must not cost a retry period.
      return this.isLeader() && this.#isOwn() ? this.#tryAcquireOrRenew() : false;
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    // The holder knows its own record and writes without reading; a conflict reveals that it was wrong.
    const observed = this.isLeader() && this.#observed ? this.#observed : await this.#read(signal);
    if (observed && heldByOtherMs(observed, identity, performance.now()) > 0) return false;
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
    const { client, logger, name, identity } = this.#options;
    if (!this.#observed || !isHolder(this.#observed.lease, identity)) return;
    try {
      await client.request({
        method: 'PUT',
        path: `${this.#path}/${name}`,
        body: released(this.#observed.lease, Date.now()),
        signal: AbortSignal.timeout(this.#renewDeadlineMs / 2),
      });
    } catch (error) {
      logger.warn({ lease: name, error: describeError(error) }, 'lease not released; it will expire');
    }
  }
}
