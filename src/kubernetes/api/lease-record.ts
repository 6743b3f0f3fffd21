// The Lease object, and whether somebody holds it: judged by when its record was last seen to change, on the
// local monotonic clock. The times in it are for people; another machine’s clock decides nothing here.
import { V1MicroTime, type V1Lease } from '@kubernetes/client-node';
import type { Wire } from './objects.ts';

export type Lease = Wire<V1Lease>;

export interface Bid {
  identity: string;
  leaseDurationMs: number;
  /** Wall clock, milliseconds. */
  now: number;
}

/** What one elector has seen of the lease. */
export interface Sighting {
  lease: Lease;
  /** Monotonic milliseconds at which the record was first seen as it is. */
  since: number;
}

/** The lease as seen now; an unchanged record keeps the time of its first sighting. */
export function sighting(before: Sighting | undefined, lease: Lease, now: number): Sighting {
  const unchanged = before !== undefined && fingerprint(before.lease) === fingerprint(lease);
  return { lease, since: unchanged ? before.since : now };
}

/** Whether somebody else holds the lease at the monotonic instant. */
export function heldByAnother({ lease, since }: Sighting, identity: string, now: number): boolean {
  const { holderIdentity, leaseDurationSeconds = 0 } = lease.spec ?? {};
  if (!holderIdentity || holderIdentity === identity) return false;
  return now < since + leaseDurationSeconds * 1000;
}

export function isHolder(lease: Lease, identity: string): boolean {
  return lease.spec?.holderIdentity === identity;
}

/** A lease that does not exist yet, taken. */
export function newLease(namespace: string, name: string, bid: Bid): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace, name },
    spec: { ...held(bid), acquireTime: microTime(bid.now), leaseTransitions: 0 },
  };
}

/** The lease renewed, or taken over from whoever let it expire. */
export function renewed(lease: Lease, bid: Bid): Lease {
  const renewal = isHolder(lease, bid.identity);
  const acquireTime = renewal ? lease.spec?.acquireTime : microTime(bid.now);
  const leaseTransitions = (lease.spec?.leaseTransitions ?? 0) + (renewal ? 0 : 1);
  return { ...lease, spec: { ...lease.spec, ...held(bid), acquireTime, leaseTransitions } };
}

/** The lease let go, so that the next holder need not wait until it expires. */
export function released(lease: Lease, now: number): Lease {
  const time = microTime(now);
  return {
    ...lease,
    spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: time, acquireTime: time },
  };
}

function held({ identity, leaseDurationMs, now }: Bid): NonNullable<Lease['spec']> {
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
    renewTime: microTime(now),
  };
}

// The server takes exactly six digits of a second and refuses three.
function microTime(ms: number): string {
  return new V1MicroTime(ms).toISOString();
}

function fingerprint({ spec = {} }: Lease): string {
  const { holderIdentity, renewTime, acquireTime, leaseTransitions, leaseDurationSeconds } = spec;
  return JSON.stringify([holderIdentity, renewTime, acquireTime, leaseTransitions, leaseDurationSeconds]);
}
