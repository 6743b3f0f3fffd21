// The Lease object and its holder. A candidate judges expiry by when it last saw the record change, on its own
// monotonic clock; the times in the record are for people, since another machine’s clock decides nothing here.
import { V1MicroTime, type V1Lease } from '@kubernetes/client-node';
import type { Wire } from './objects.ts';

export type Lease = Wire<V1Lease>;

/** What a candidate writes into the lease. */
export interface Bid {
  identity: string;
  leaseDurationMs: number;
  /** Wall clock, milliseconds. */
  now: number;
}

/** The lease as one candidate observed it. */
export interface ObservedLease {
  lease: Lease;
  /** Monotonic milliseconds at which the candidate first saw the record in this state. */
  observedAt: number;
}

/** The lease as read now; an unchanged record keeps the time of its first observation. */
export function observe(before: ObservedLease | undefined, lease: Lease, now: number): ObservedLease {
  const unchanged = before !== undefined && fingerprint(before.lease) === fingerprint(lease);
  return { lease, observedAt: unchanged ? before.observedAt : now };
}

/** For how long after the monotonic instant `now` another candidate holds the lease, milliseconds; 0 if none does. */
export function heldByOtherMs({ lease, observedAt }: ObservedLease, identity: string, now: number): number {
  const { holderIdentity, leaseDurationSeconds = 0 } = lease.spec ?? {};
  if (!holderIdentity || holderIdentity === identity) return 0;
  return Math.max(0, observedAt + leaseDurationSeconds * 1000 - now);
}

export function isHolder(lease: Lease, identity: string): boolean {
  return lease.spec?.holderIdentity === identity;
}

/** A new lease, with the bidder as its holder. */
export function newLease(namespace: string, name: string, bid: Bid): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace, name },
    spec: { ...holderFields(bid), acquireTime: microTime(bid.now), leaseTransitions: 0 },
  };
}

/** The lease, renewed by its holder or taken over after it expired. */
export function renewed(lease: Lease, bid: Bid): Lease {
  const renewal = isHolder(lease, bid.identity);
  const acquireTime = renewal ? lease.spec?.acquireTime : microTime(bid.now);
  const leaseTransitions = (lease.spec?.leaseTransitions ?? 0) + (renewal ? 0 : 1);
  return { ...lease, spec: { ...lease.spec, ...holderFields(bid), acquireTime, leaseTransitions } };
}

/** The lease without a holder: the next candidate need not wait for its expiry. */
export function released(lease: Lease, now: number): Lease {
  const time = microTime(now);
  return {
    ...lease,
    spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: time, acquireTime: time },
  };
}

function holderFields({ identity, leaseDurationMs, now }: Bid): NonNullable<Lease['spec']> {
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
    renewTime: microTime(now),
  };
}

// The API server accepts exactly six fractional digits of a second, and refuses three.
function microTime(ms: number): string {
  return new V1MicroTime(ms).toISOString();
}

function fingerprint({ spec = {} }: Lease): string {
  const { holderIdentity, renewTime, acquireTime, leaseTransitions, leaseDurationSeconds } = spec;
  return JSON.stringify([holderIdentity, renewTime, acquireTime, leaseTransitions, leaseDurationSeconds]);
}
