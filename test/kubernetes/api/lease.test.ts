// Leader election on a real Lease, between processes that are stopped, killed, frozen and cut off.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KubeClient, KubeRequest } from '../../../src/kubernetes/api/client.ts';
import { LeaderElector, type LeaderElectorOptions } from '../../../src/kubernetes/api/lease.ts';
import type { Lease } from '../../../src/kubernetes/api/lease-record.ts';
import { ByteProxy } from '../../support/cluster/byte-proxy.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const ELECTED = `${LEASES}/elected`;
/** The operator's default. */
const LEASE_MS = 6_000;
/** Longest time between two tries, milliseconds: the period, and the lateness of a timer. */
const NEXT_TRY_MS = 700;
/** What a leader survives, milliseconds. */
const STALL_MS = 5_000;

/** An elector in a process of its own; `words` are its output. */
interface Candidate {
  process: ChildProcess;
  words: string[];
  ended: Promise<unknown>;
}

describe.skipIf(NO_KUBE)('leader election', () => {
  let environment: KubeEnvironment;
  let direct: KubeClient;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    environment = await KubeEnvironment.start({ crd: false });
    direct = await environment.client();
  });
  afterAll(() => environment?.stop());
  beforeEach(async () => {
    await direct.request({ method: 'DELETE', path: LEASES });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  });

  async function candidate(identity: string): Promise<Candidate> {
    const args = [await environment.kubeconfig(), identity, String(LEASE_MS)];
    const child = spawn(process.execPath, ['test/fixtures/elector.ts', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const words: string[] = [];
    createInterface(child.stdout).on('line', (word) => words.push(word));
    return { process: child, words, ended: once(child, 'exit') };
  }

  const elector = (identity: string, options: Partial<LeaderElectorOptions> = {}) =>
    new LeaderElector({
      client: direct,
      logger: keptLogger(),
      namespace: 'default',
      name: 'elected',
      identity,
      leaseDurationMs: LEASE_MS,
      ...options,
    });

  /** The direct client; calls `asked` at the start of each call, and `answered` with each lease that it returns. */
  const watched = (asked: () => void, answered: (lease: Lease) => void = () => {}) =>
    ({
      json: async (request: KubeRequest) => {
        asked();
        const lease = await direct.json<Lease>(request);
        answered(lease);
        return lease;
      },
      request: (request: KubeRequest) => direct.request(request),
      dropConnection: () => {},
    }) as unknown as KubeClient;

  /** Leads until stopped; `leading` resolves once it leads. */
  function lead(one: LeaderElector, stop: AbortSignal) {
    const leading = Promise.withResolvers<AbortSignal>();
    const ended = one.run(stop, async (signal) => {
      leading.resolve(signal);
      if (!signal.aborted) await once(signal, 'abort');
    });
    return { leading: leading.promise, ended };
  }

  const lease = () => direct.json<Lease>({ path: ELECTED });

  test('the first candidate acquires the lease, with times of six digits, and renews it', async () => {
    const stop = new AbortController();
    const first = elector('first');
    const { leading, ended } = lead(first, stop.signal);
    await leading;
    const taken = await lease();
    expect(taken.spec).toMatchObject({
      holderIdentity: 'first',
      leaseDurationSeconds: 6,
      leaseTransitions: 0,
    });
    expect(taken.spec?.renewTime).toMatch(/\.\d{6}Z$/);
    await eventually(async () => (await lease()).spec?.renewTime !== taken.spec?.renewTime);
    expect((await lease()).spec?.acquireTime).toBe(taken.spec?.acquireTime);
    expect(first.isLeader()).toBe(true);
    stop.abort();
    expect(await ended).toBe('released');
    expect(first.isLeader()).toBe(false);
    expect((await lease()).spec).toMatchObject({ leaseDurationSeconds: 1 });
  });

  test('the next try acquires a released lease within a twelfth of its duration', async () => {
    const [stopFirst, stopSecond] = [new AbortController(), new AbortController()];
    const first = lead(elector('first'), stopFirst.signal);
    await first.leading;
    // Timers of one process fire in the order of their times, even late ones.
    let limit: AbortSignal | undefined;
    let overdue = 0;
    const late = () => overdue++;
    const random = (): number => {
      limit = AbortSignal.timeout(NEXT_TRY_MS);
      limit.addEventListener('abort', late);
      return Math.random();
    };
    let tries = 0;
    const client = watched(() => {
      limit?.removeEventListener('abort', late);
      tries++;
    });
    const second = lead(elector('second', { client, random }), stopSecond.signal);
    await eventually(() => tries > 0);
    stopFirst.abort();
    await first.ended;
    const before = tries;
    await second.leading;
    // One read and one write.
    expect(tries - before).toBeLessThanOrEqual(2);
    expect(overdue).toBe(0);
    expect((await lease()).spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 });
    stopSecond.abort();
    await second.ended;
  });

  test('the lease of a killed holder is acquired after its expiry, and not before', async () => {
    const first = await candidate('first');
    await eventually(() => first.words.includes('leading'));
    const stop = new AbortController();
    const seen: { renewTime: string | undefined; at: number }[] = [];
    const client = watched(
      () => {},
      ({ spec }) => seen.push({ renewTime: spec?.renewTime, at: performance.now() }),
    );
    const second = lead(elector('second', { client }), stop.signal);
    await eventually(() => seen.length > 1);
    first.process.kill('SIGKILL');
    await first.ended;
    const { renewTime } = (await lease()).spec!;
    await second.leading;
    const { acquireTime } = (await lease()).spec!;
    expect(Date.parse(acquireTime!) - Date.parse(renewTime!)).toBeGreaterThanOrEqual(LEASE_MS);
    // The first read that finds the lease expired is the last one.
    const looks = seen.filter((look) => look.renewTime === renewTime);
    const expiredAt = looks[0]!.at + LEASE_MS;
    expect(looks.filter(({ at }) => at > expiredAt)).toHaveLength(1);
    stop.abort();
    await second.ended;
  });

  test('a holder frozen past its lease has lost it when it wakes up', async () => {
    const first = await candidate('first');
    await eventually(() => first.words.includes('leading'));
    first.process.kill('SIGSTOP');
    const stop = new AbortController();
    const second = lead(elector('second'), stop.signal);
    await second.leading;
    first.process.kill('SIGCONT');
    await first.ended;
    expect(first.words).toEqual(['leading', 'lost']);
    expect((await lease()).spec?.holderIdentity).toBe('second');
    stop.abort();
    await second.ended;
  });

  test('a holder cut off from the API server stops leading before another candidate can acquire the lease', async () => {
    const proxy = await ByteProxy.start(environment.server);
    const client = await environment.client(proxy.url);
    const first = elector('first', { client });
    const { leading, ended } = lead(first, new AbortController().signal);
    const signal = await leading;
    proxy.refusing = true;
    proxy.hold();
    const cutAt = performance.now();
    await once(signal, 'abort');
    expect(performance.now() - cutAt).toBeLessThan(LEASE_MS);
    expect(await ended).toBe('lost');
    expect(first.isLeader()).toBe(false);
    await client.close();
    await proxy.stop();
  });

  test('a holder keeps the lease through a stall of the API server that begins just before a renewal', async () => {
    const [stopFirst, stopSecond] = [new AbortController(), new AbortController()];
    const pid = environment.apiServerPid;
    const stalled = Promise.withResolvers<void>();
    let answers = 0;
    // The worst moment: the last renewal is a whole period ago.
    let isStalled = false;
    const stall = () => {
      if (answers !== 4 || isStalled) return;
      isStalled = true;
      process.kill(pid, 'SIGSTOP');
      stalled.resolve();
    };
    const client = watched(stall, () => answers++);
    const first = elector('first', { client });
    const { leading, ended } = lead(first, stopFirst.signal);
    const signal = await leading;
    const second = lead(elector('second'), stopSecond.signal);
    let secondLeads = false;
    void second.leading.then(() => (secondLeads = true));
    await stalled.promise;
    await once(AbortSignal.timeout(STALL_MS), 'abort');
    process.kill(pid, 'SIGCONT');
    await eventually(() => answers > 5);
    expect(signal.aborted).toBe(false);
    expect(first.isLeader()).toBe(true);
    expect(secondLeads).toBe(false);
    expect((await lease()).spec).toMatchObject({ holderIdentity: 'first', leaseTransitions: 0 });
    stopSecond.abort();
    stopFirst.abort();
    expect(await Promise.all([ended, second.ended])).toEqual(['released', 'released']);
  });

  test('a renewal that the server carries out after its caller has given it up costs no further try', async () => {
    const stop = new AbortController();
    let tries = 0;
    let conflictAt = Infinity;
    const client = {
      json: async (request: KubeRequest) => {
        tries++;
        // The server has carried it out, and its answer is lost.
        if (request.method === 'PUT' && conflictAt === Infinity) {
          await direct.json<Lease>(request);
          conflictAt = tries + 1;
          throw new Error('no answer');
        }
        return direct.json<Lease>(request);
      },
      request: (request: KubeRequest) => direct.request(request),
      dropConnection: () => {},
    } as unknown as KubeClient;
    const pauses: number[] = [];
    const random = () => {
      pauses.push(tries);
      return Math.random();
    };
    const { leading, ended } = lead(elector('first', { client, random }), stop.signal);
    await leading;
    // The conflict, the read and the write that follows are one try.
    await eventually(() => pauses.includes(conflictAt + 2));
    expect(pauses.filter((at) => at === conflictAt || at === conflictAt + 1)).toEqual([]);
    stop.abort();
    expect(await ended).toBe('released');
  });

  test('a dead connection costs the holder one renewal, not the lease', async () => {
    const proxy = await ByteProxy.start(environment.server);
    const client = await environment.client(proxy.url);
    const stop = new AbortController();
    const first = elector('first', { client });
    const { leading, ended } = lead(first, stop.signal);
    const signal = await leading;
    proxy.hold();
    await eventually(() => proxy.accepted === 2);
    const { renewTime } = (await lease()).spec!;
    await eventually(async () => (await lease()).spec?.renewTime !== renewTime);
    expect(signal.aborted).toBe(false);
    stop.abort();
    expect(await ended).toBe('released');
    await client.close();
    await proxy.stop();
  });

  test.each([
    ['an hour behind', -3_600_000],
    ['an hour ahead', 3_600_000],
  ])('a dead holder’s clock that is %s does not change when its lease is acquired', async (_, skewMs) => {
    const time = new Date(Date.now() + skewMs).toISOString().replace('Z', '000Z');
    await direct.json({
      method: 'POST',
      path: LEASES,
      body: {
        metadata: { name: 'elected' },
        spec: { holderIdentity: 'dead', leaseDurationSeconds: 1, renewTime: time, acquireTime: time },
      },
    });
    const stop = new AbortController();
    const startedAt = performance.now();
    const { leading, ended } = lead(elector('heir'), stop.signal);
    await leading;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_000);
    stop.abort();
    await ended;
  });

  test('the holder keeps the lease until its work has ended', async () => {
    const stop = new AbortController();
    const windUp = Promise.withResolvers<void>();
    const first = elector('first');
    const started = Promise.withResolvers<void>();
    const ended = first.run(stop.signal, async () => {
      started.resolve();
      await windUp.promise;
    });
    await started.promise;
    stop.abort();
    const { renewTime } = (await lease()).spec!;
    await eventually(async () => (await lease()).spec?.renewTime !== renewTime);
    expect((await lease()).spec?.holderIdentity).toBe('first');
    windUp.resolve();
    expect(await ended).toBe('released');
    expect((await lease()).spec?.holderIdentity).toBeFalsy();
  });

  test('a failure while leading releases the lease and is thrown', async () => {
    const failing = elector('failing').run(new AbortController().signal, () =>
      Promise.reject(new Error('as the test wants')),
    );
    await expect(failing).rejects.toThrow('as the test wants');
    expect((await lease()).spec?.holderIdentity).toBeFalsy();
  });

  test('of five candidates, never two lead at once, and each leads in turn', async () => {
    const stops = new Map<string, AbortController>();
    const led = new Set<string>();
    let leaders = 0;
    let most = 0;
    const ends = ['a', 'b', 'c', 'd', 'e'].map((identity) => {
      const stop = new AbortController();
      stops.set(identity, stop);
      return elector(identity).run(stop.signal, async (leading) => {
        most = Math.max(most, ++leaders);
        led.add(identity);
        stop.abort();
        if (!leading.aborted) await once(leading, 'abort');
        leaders--;
      });
    });
    expect(await Promise.all(ends)).toEqual(Array.from({ length: 5 }, () => 'released'));
    expect(most).toBe(1);
    expect([...led].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
