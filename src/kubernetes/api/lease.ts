// Leader election over a coordination.k8s.io Lease, by client-go’s rules: take it when nobody holds it, renew it
// every retry period, and stop leading when that failed for the renew deadline. It elects; it does not fence.
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../control/ports.ts';
import { describeError, isAlreadyExists, isConflict, isNotFound } from './api-errors.ts';
import type { KubeClient } from './client.ts';
import {
  heldByAnother,
  isHolder,
  newLease,
  released,
  renewed,
  sighting,
  type Bid,
  type Lease,
  type Sighting,
} from './lease-record.ts';

export interface LeaderElectorOptions {
  client: KubeClient;
  logger: Logger;
  namespace: string;
  name: string;
  /** Unique per process, such as the pod’s name. */
  identity: string;
  /** How long the others wait for a holder that is silent, milliseconds; default 15,000. */
  leaseDurationMs?: number;
  /** The holder gives up after so many milliseconds without a renewal; less than the lease; default 10,000. */
  renewDeadlineMs?: number;
  /** Time between two tries, milliseconds; default 2,000. */
  retryPeriodMs?: number;
  /** 0 <= value < 1; spreads the tries of several candidates. */
  random?: () => number;
}

/** How leading ended: by our wish, or because the lease could not be kept. */
export type LeadershipEnd = 'released' | 'lost';

export class LeaderElector {
  readonly #options: Required<LeaderElectorOptions>;
  readonly #path: string;
  #seen: Sighting | undefined;
  /** Monotonic instant of the last successful renewal, taken before it was sent. */
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

  /** Whether this process holds the lease now; also right after it was frozen and before a timer fired. */
  isLeader(): boolean {
    return this.#leading && performance.now() < this.#renewedAt + this.#options.renewDeadlineMs;
  }

  /** How often the lease has changed hands, as far as it was seen: higher for each next leader. */
  term(): number {
    return this.#seen?.lease.spec?.leaseTransitions ?? 0;
  }

  /** Who held the lease when it was last seen; undefined when nobody did. */
  holder(): string | undefined {
    return this.#seen?.lease.spec?.holderIdentity || undefined;
  }

  /**
   * Waits for the lease, then leads until the signal aborts or the lease is lost. The signal given to `lead`
   * aborts in both cases; the lease is kept while `lead` winds up, and released when it has.
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
      if (await this.#try()) return true;
      await this.#pause(signal);
    }
    return false;
  }

  /** Rejects when the lease could not be renewed within the deadline. */
  async #renewUntil(done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await this.#pause(done, this.#timeLeft());
      if (done.aborted || (await this.#try())) continue;
      if (this.#timeLeft() <= 0 || this.#lostToAnother()) throw new Error('the lease was lost');
    }
  }

  #timeLeft(): number {
    return this.#renewedAt + this.#options.renewDeadlineMs - performance.now();
  }

  #lostToAnother(): boolean {
    return this.#seen !== undefined && !isHolder(this.#seen.lease, this.#options.identity);
  }

  // At most the period, so that a released lease is taken within it.
  async #pause(signal: AbortSignal, atMostMs = Infinity): Promise<void> {
    const { retryPeriodMs, random } = this.#options;
    const ms = Math.max(0, Math.min(atMostMs, retryPeriodMs * (0.75 + random() / 4)));
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  /**
   * One try to take or renew the lease; false when it is not ours, or nobody can say. It is not cut short by a
   * stop: a write whose answer was not awaited would leave a lease that cannot be released.
   */
  async #try(): Promise<boolean> {
    const { client, logger, renewDeadlineMs, name } = this.#options;
    const timeout = AbortSignal.timeout(renewDeadlineMs / 2);
    const sentAt = performance.now();
    try {
      if (!(await this.#takeOrRenew(timeout))) return false;
      this.#renewedAt = sentAt;
      return true;
    } catch (error) {
      // Somebody wrote the lease since it was read: read it again before the next try.
      if (isConflict(error) || isAlreadyExists(error)) await this.#look(timeout).catch(() => undefined);
      if (timeout.aborted) client.dropConnection();
      logger.debug({ lease: name, error: describeError(error) }, 'lease not renewed');
      return false;
    }
  }

  async #takeOrRenew(signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    // The holder knows its own record and may write without reading; a conflict tells when it is wrong.
    const knows = this.#seen !== undefined && this.isLeader();
    const seen = knows ? this.#seen : await this.#look(signal);
    if (seen && heldByAnother(seen, identity, performance.now())) return false;
    const lease = seen
      ? await client.json<Lease>({
          method: 'PUT',
          path: `${this.#path}/${name}`,
          body: renewed(seen.lease, this.#bid()),
          signal,
        })
      : await client.json<Lease>({
          method: 'POST',
          path: this.#path,
          body: newLease(namespace, name, this.#bid()),
          signal,
        });
    this.#seen = sighting(this.#seen, lease, performance.now());
    return true;
  }

  async #look(signal: AbortSignal): Promise<Sighting | undefined> {
    const { client, name } = this.#options;
    try {
      const lease = await client.json<Lease>({ path: `${this.#path}/${name}`, signal });
      this.#seen = sighting(this.#seen, lease, performance.now());
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#seen = undefined;
    }
    return this.#seen;
  }

  #bid(): Bid {
    const { identity, leaseDurationMs } = this.#options;
    return { identity, leaseDurationMs, now: Date.now() };
  }

  async #release(): Promise<void> {
    const { client, logger, name, identity, retryPeriodMs } = this.#options;
    if (!this.#seen || !isHolder(this.#seen.lease, identity)) return;
    try {
      await client.request({
        method: 'PUT',
        path: `${this.#path}/${name}`,
        body: released(this.#seen.lease, Date.now()),
        signal: AbortSignal.timeout(retryPeriodMs),
      });
    } catch (error) {
      logger.warn({ lease: name, error: describeError(error) }, 'lease not released; it will expire');
    }
  }
}
