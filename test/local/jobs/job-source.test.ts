import { once, EventEmitter } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobStore, RunStore } from '../../../src/contracts/stores.ts';
import type { Job } from '../../../src/core/job.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { Run } from '../../../src/core/run.ts';
import { StoreJobSource } from '../../../src/local/jobs/job-source.ts';
import { aSpec } from '../../support/builders.ts';
import { MemoryStore } from '../../support/stores/memory-store.ts';
import { aChange, aJob, aRunAt, aStatus, T0 } from '../../support/builders.ts';
import { openTemporaryStore } from '../../support/stores/sqlite-store.ts';

const KEY = 'local/a';
const { signal } = new AbortController();
const stores = {
  memory: async () => ({ store: new MemoryStore() as JobStore & RunStore, close: async () => {} }),
  SQLite: openTemporaryStore,
};
const names = (runs: Run[]) => runs.map((run) => run.name);

function definition(changes: JobSpecInput = {}) {
  return { namespace: 'local', name: 'a', spec: aSpec({ schedule: '@daily', ...changes }) };
}

describe.each(Object.entries(stores))('the job source over %s', (_, openStore) => {
  let store: JobStore & RunStore;
  let close: () => Promise<void>;
  let source: StoreJobSource;
  let now: number;
  let announced: string[];

  beforeEach(async () => {
    ({ store, close } = await openStore());
    now = T0;
    source = await loaded();
  });
  afterEach(() => close());

  /** A source as after a restart. */
  async function loaded(): Promise<StoreJobSource> {
    const fresh = new StoreJobSource(store, store, { now: () => now });
    announced = [];
    fresh.onChange((key) => announced.push(key));
    expect(fresh.hasSynced()).toBe(false);
    await fresh.load();
    expect(fresh.hasSynced()).toBe(true);
    return fresh;
  }

  const commit = (...runs: Run[]) => source.commit(KEY, aChange({ runs }));
  const handled = (id: string) =>
    source.commit(KEY, aChange({ status: aStatus({ lastHandledTrigger: id }) }));

  describe('put', () => {
    test('creates a job with an identity, durably, and announces it', async () => {
      const { result, job } = await source.put(definition());
      expect(result).toBe('created');
      expect(job).toMatchObject({
        key: KEY,
        generation: 1,
        createdAt: T0,
        specChangedAt: T0,
        spec: definition().spec,
      });
      expect(job.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(source.get(KEY)).toBe(job);
      expect(announced).toEqual([KEY]);
      expect((await loaded()).get(KEY)).toEqual(job);
    });

    test('of an equal spec writes and announces nothing', async () => {
      const { job } = await source.put(definition({ env: [{ name: 'A', value: '1' }] }));
      now += 1000;
      const { spec } = definition({ env: [{ name: 'A', value: '1' }] });
      const withUndefined = { ...spec, description: undefined };
      expect(await source.put({ namespace: 'local', name: 'a', spec: withUndefined })).toEqual({
        result: 'unchanged',
        job,
      });
      expect(source.get(KEY)).toBe(job);
      expect(announced).toEqual([KEY]);
      source = await loaded();
      expect((await source.put(definition({ env: [{ name: 'A', value: '1' }] }))).result).toBe('unchanged');
    });

    test('of another spec increments the generation, and keeps identity, status and requests', async () => {
      const created = (await source.put(definition())).job;
      await source.requestTrigger(KEY, { id: 't1' }, signal);
      await handled('t1');
      now += 1000;
      const { result, job, before } = await source.put(definition({ command: 'false' }));
      expect({ result, before: before?.spec }).toEqual({ result: 'configured', before: created.spec });
      expect(job).toEqual({
        ...created,
        generation: 2,
        specChangedAt: T0 + 1000,
        spec: definition({ command: 'false' }).spec,
        trigger: { id: 't1' },
        status: aStatus({ lastHandledTrigger: 't1' }),
      });
      expect((await loaded()).get(KEY)).toEqual(job);
    });

    test('merges labels and annotations, and leaves the generation to the spec', async () => {
      const { spec } = definition();
      const labelled = {
        namespace: 'local',
        name: 'a',
        labels: { team: 'x' },
        annotations: { a: '1' },
        spec,
      };
      await source.put(labelled);
      expect(await source.put({ ...labelled, labels: undefined, annotations: undefined })).toMatchObject({
        result: 'unchanged',
      });
      const { result, job } = await source.put({ ...labelled, annotations: { b: '2' } });
      expect(result).toBe('configured');
      expect(job).toMatchObject({ generation: 1, labels: { team: 'x' }, annotations: { a: '1', b: '2' } });
      expect((await loaded()).get(KEY)).toEqual(job);
    });

    test('never mutates an object that it handed out', async () => {
      const before = (await source.put(definition())).job;
      const copy = structuredClone(before);
      await source.put(definition({ command: 'false' }));
      await handled('x');
      expect(before).toEqual(copy);
      expect(source.get(KEY)).not.toBe(before);
    });

    test('copies the spec, so that a later change by the caller has no effect', async () => {
      const mine = definition();
      await source.put(mine);
      mine.spec.command = 'rm';
      expect(source.get(KEY)?.spec.command).toBe('true');
    });

    test('of many concurrent specs increments the generation for each', async () => {
      const commands = Array.from({ length: 20 }, (_, i) => `echo ${i}`);
      const results = await Promise.all(commands.map((command) => source.put(definition({ command }))));
      expect(results.map(({ job }) => job.generation)).toEqual(commands.map((_, i) => i + 1));
      expect(new Set(results.map(({ job }) => job.uid)).size).toBe(1);
      expect((await loaded()).get(KEY)).toMatchObject({ generation: 20, spec: { command: 'echo 19' } });
    });

    test('concurrent with suspend() loses neither change', async () => {
      await source.put(definition());
      await Promise.all([
        source.put(definition({ command: 'false' })),
        source.suspend(KEY, { suspend: true }),
      ]);
      expect(source.get(KEY)?.spec).toMatchObject({ command: 'false', suspend: true });
    });

    test('is not undone by a suspend() after a removal', async () => {
      await source.put(definition());
      const removed = source.remove(KEY);
      await expect(source.suspend(KEY, { suspend: true })).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
      await removed;
      expect(source.get(KEY)).toBeUndefined();
    });

    test('concurrent with a commit loses neither the spec nor the status', async () => {
      await source.put(definition());
      await Promise.all([
        source.put(definition({ command: 'false' })),
        handled('x'),
        source.put(definition({ command: 'x' })),
      ]);
      expect(source.get(KEY)).toMatchObject({ generation: 3, status: { lastHandledTrigger: 'x' } });
      expect((await loaded()).get(KEY)).toEqual(source.get(KEY));
    });

    test('that the store rejects changes nothing in memory', async () => {
      await source.put(definition());
      const before = source.get(KEY);
      const refusing = new Error('no room');
      store.putJob = () => Promise.reject(refusing);
      await expect(source.put(definition({ command: 'false' }))).rejects.toBe(refusing);
      expect(source.get(KEY)).toBe(before);
      Reflect.deleteProperty(store, 'putJob');
      expect((await source.put(definition({ command: 'false' }))).job.generation).toBe(2);
    });
  });

  describe('runs', () => {
    const limits = { successfulRunsHistoryLimit: 2, failedRunsHistoryLimit: 1 };

    test('are the active ones and the finished ones within the history limits, the same after a restart', async () => {
      await source.put(definition(limits));
      for (let i = 0; i < 5; i++) await commit(aRunAt('a', i));
      for (let i = 5; i < 8; i++) await commit(aRunAt('a', i, { phase: i === 6 ? 'Killed' : 'Failed' }));
      await commit(aRunAt('a', 8, { phase: 'Running' }), aRunAt('a', 9, { phase: 'Created' }));
      expect(names(source.runsOf(KEY))).toEqual(['a-9', 'a-8', 'a-7', 'a-4', 'a-3']);
      expect((await loaded()).runsOf(KEY)).toEqual(source.runsOf(KEY));
      expect(await store.runs({ job: KEY })).toHaveLength(10);
    });

    test('go back as far as a long history limit, also after a restart', async () => {
      await source.put(definition({ successfulRunsHistoryLimit: 20, failedRunsHistoryLimit: 0 }));
      for (let i = 0; i < 30; i++) await commit(aRunAt('a', i, { phase: i === 29 ? 'Failed' : 'Completed' }));
      expect(source.runsOf(KEY)).toHaveLength(20);
      expect(names((await loaded()).runsOf(KEY))).toEqual(names(source.runsOf(KEY)));
    });

    test('are replaced whole, in a new list', async () => {
      await source.put(definition());
      await commit(aRunAt('a', 1, { phase: 'Running' }));
      const before = source.runsOf(KEY);
      await commit(aRunAt('a', 1));
      expect(before[0]?.phase).toBe('Running');
      expect(source.runsOf(KEY)).toEqual([aRunAt('a', 1)]);
    });

    test('keep their output in the store only', async () => {
      await source.put(definition());
      await commit(aRunAt('a', 1, { outputTail: 'words' }));
      expect(source.runsOf(KEY)[0]?.outputTail).toBeUndefined();
      expect((await store.run('a-1'))?.outputTail).toBe('words');
    });

    test('that the store rejects do not appear', async () => {
      await source.put(definition());
      await commit(aRunAt('a', 1));
      const reopened = aRunAt('a', 1, { phase: 'Running' });
      await expect(commit(reopened)).rejects.toMatchObject({ code: 'RUN_FINISHED' });
      expect(source.runsOf(KEY)).toEqual([aRunAt('a', 1)]);
    });

    test('that have finished in the store come back into memory when a commit would reopen them', async () => {
      await source.put(definition({ successfulRunsHistoryLimit: 1 }));
      for (const second of [1, 2]) await commit(aRunAt('a', second));
      expect(names(source.runsOf(KEY))).toEqual(['a-2']);
      await expect(commit(aRunAt('a', 1, { phase: 'Running' }))).rejects.toMatchObject({ retryable: true });
      expect(source.runsOf(KEY)).toEqual([aRunAt('a', 2), aRunAt('a', 1)]);
      await source.commit(KEY, aChange({ forget: ['a-1'] }));
      expect(names(source.runsOf(KEY))).toEqual(['a-2']);
    });
  });

  describe('remove', () => {
    test('forgets the job at once and its active run at its end, and keeps its history', async () => {
      await source.put(definition());
      await commit(aRunAt('a', 1), aRunAt('a', 2, { phase: 'Running' }));
      await source.remove(KEY);
      expect(announced).toEqual([KEY, KEY]);
      expect(source.get(KEY)).toBeUndefined();
      expect([...source.keys()]).toEqual([KEY]);
      expect(names(source.runsOf(KEY))).toEqual(['a-2']);
      await commit(aRunAt('a', 2));
      expect([...source.keys()]).toEqual([]);
      expect(source.runsOf(KEY)).toEqual([]);
      expect(await store.runs({ job: KEY })).toHaveLength(2);
    });

    test('before a crash leaves the active run for the next process', async () => {
      await source.put(definition());
      await commit(aRunAt('a', 1), aRunAt('a', 2, { phase: 'Running' }));
      await source.remove(KEY);
      const next = await loaded();
      expect([...next.keys()]).toEqual([KEY]);
      expect(next.get(KEY)).toBeUndefined();
      expect(names(next.runsOf(KEY))).toEqual(['a-2']);
    });

    test('and put() make a new job, without the status of the old one', async () => {
      const before = (await source.put(definition())).job;
      await handled('x');
      await source.remove(KEY);
      const { result, job } = await source.put(definition());
      expect(result).toBe('created');
      expect(job.uid).not.toBe(before.uid);
      expect(job.status).toBeUndefined();
      expect((await loaded()).get(KEY)?.status).toBeUndefined();
    });

    test('of an unknown job rejects with JOB_NOT_FOUND', async () => {
      await expect(source.remove(KEY)).rejects.toMatchObject({
        code: 'JOB_NOT_FOUND',
        fields: { name: 'a' },
      });
    });

    test('a commit of an earlier evaluation does not bring the job back', async () => {
      await source.put(definition());
      await Promise.all([source.remove(KEY), handled('x')]);
      expect(source.get(KEY)).toBeUndefined();
      expect((await loaded()).get(KEY)).toBeUndefined();
    });
  });

  describe('requestTrigger', () => {
    beforeEach(() => source.put(definition()));

    test('is durable and announced, once for the same request', async () => {
      await source.requestTrigger(KEY, { id: 't1', requestedBy: 'me' }, signal);
      await source.requestTrigger(KEY, { id: 't1', requestedBy: 'me' }, signal);
      expect(announced).toEqual([KEY, KEY]);
      expect((await loaded()).get(KEY)?.trigger).toEqual({ id: 't1', requestedBy: 'me' });
    });

    test('does not repeat the last handled request', async () => {
      await handled('t1');
      await source.requestTrigger(KEY, { id: 't1' }, signal);
      expect(source.get(KEY)?.trigger).toBeUndefined();
    });

    test('never replaces an unhandled request: the second waits for the first', async () => {
      const events = new EventEmitter();
      source.onChange(() => events.emit('change'));
      await source.requestTrigger(KEY, { id: 't1' }, signal);
      const seen: (string | undefined)[] = [];
      const others = ['t2', 't3'].map((id) => source.requestTrigger(KEY, { id }, signal));
      for (let id: string | undefined = 't1'; id !== undefined;) {
        seen.push(id);
        const changed = once(events, 'change');
        await handled(id);
        if (id === 't3') break;
        await changed;
        id = source.get(KEY)?.trigger?.id;
      }
      await Promise.all(others);
      expect(seen).toEqual(['t1', 't2', 't3']);
    });

    test('that waits ends with its signal, and the next request takes its place', async () => {
      await source.requestTrigger(KEY, { id: 't1' }, signal);
      const impatient = new AbortController();
      const waiting = source.requestTrigger(KEY, { id: 't2' }, impatient.signal);
      const next = source.requestTrigger(KEY, { id: 't3' }, signal);
      impatient.abort();
      await expect(waiting).rejects.toMatchObject({ code: 'DAEMON_STOPPING' });
      await handled('t1');
      await next;
      expect(source.get(KEY)?.trigger).toEqual({ id: 't3' });
    });

    test('that waits blocks neither changes nor the removal of the job, and ends with it', async () => {
      await source.requestTrigger(KEY, { id: 't1' }, signal);
      const waiting = source.requestTrigger(KEY, { id: 't2' }, signal);
      const refused = expect(waiting).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
      expect((await source.put(definition({ command: 'false' }))).result).toBe('configured');
      await source.remove(KEY);
      await refused;
    });
  });

  describe('requestStop', () => {
    beforeEach(async () => {
      await source.put(definition());
      await commit(
        aRunAt('a', 1),
        aRunAt('a', 2, { phase: 'Running' }),
        aRunAt('a', 3, { phase: 'Created' }),
      );
      announced = [];
    });

    test('records the active runs among the named, durably', async () => {
      await source.requestStop(KEY, ['a-1', 'a-2', 'nobody']);
      expect(announced).toEqual([KEY]);
      expect((await loaded()).get(KEY)?.stop).toEqual(['a-2']);
    });

    test('adds to an earlier request, and drops runs that have ended since', async () => {
      await source.requestStop(KEY, ['a-2']);
      await source.requestStop(KEY, ['a-3']);
      expect(source.get(KEY)?.stop?.toSorted()).toEqual(['a-2', 'a-3']);
      await commit(aRunAt('a', 2), aRunAt('a', 4, { phase: 'Running' }));
      await source.requestStop(KEY, ['a-4']);
      expect(source.get(KEY)?.stop?.toSorted()).toEqual(['a-3', 'a-4']);
    });

    test('without an active run writes nothing', async () => {
      await source.requestStop(KEY, ['a-1']);
      expect(source.get(KEY)?.stop).toBeUndefined();
      expect(announced).toEqual([]);
    });
  });

  test('jobs share the objects that they have in common', async () => {
    const put: Job[] = [];
    for (const name of ['a', 'b']) put.push((await source.put({ ...definition(), name })).job);
    const again = await loaded();
    for (const [a, b] of [put, [again.get('local/a'), again.get('local/b')]]) {
      expect(a?.spec.retry).toBe(b?.spec.retry);
      expect(a?.spec.tags).toBe(b?.spec.tags);
    }
    expect(isDeepStrictEqual(put[0]?.spec, definition().spec)).toBe(true);
  });

  test('load() reads the jobs of an earlier process, each under its key', async () => {
    for (const name of ['x', 'y']) await store.putJob(aJob({}, { name }));
    const next = await loaded();
    expect([...next.keys()].sort()).toEqual(['local/x', 'local/y']);
    expect(next.get('local/x')).toEqual(aJob({}, { name: 'x' }));
    expect(next.runsOf('local/x')).toEqual([]);
    expect(announced).toEqual([]);
  });
});
