// The contract of JobStore and RunStore as one suite; every implementation runs it. It
// uses the interfaces alone.
import { assert, asyncProperty, string } from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobStore, RunStore } from '../../src/contracts/stores.ts';
import type { Run, RunPhase } from '../../src/core/run.ts';
import { RUN_PHASES } from '../../src/core/run.ts';
import { aChange, aJob, aRunAt, aSlotAt, aStatus, SECOND, T0 } from '../support/builders.ts';
import { seeded } from '../support/seed.ts';

export interface Opened {
  store: JobStore & RunStore;
  close(): Promise<void>;
}

const names = (runs: Run[]) => runs.map((run) => run.name);
const FINISHED: RunPhase[] = ['Completed', 'Failed', 'Killed'];

/** `open` returns an empty store; `close` removes all of its files. */
export function storeContract(name: string, open: () => Promise<Opened>): void {
  describe(`the contract of a store, kept by ${name}`, () => {
    let opened: Opened;
    let store: JobStore & RunStore;

    beforeEach(async () => {
      opened = await open();
      ({ store } = opened);
    });
    afterEach(() => opened.close());

    const commit = (...runs: Run[]) => store.commit(runs[0]?.job ?? '', aChange({ runs }));

    describe('jobs', () => {
      test('a job comes back with every field', async () => {
        const job = aJob(
          {},
          {
            name: 'a',
            generation: 7,
            specChangedAt: T0 + 5,
            labels: { team: 'x' },
            annotations: { 'lsh.dev/imported-from': 'crontab:ada' },
            trigger: { id: 't', requestedBy: 'me' },
            backfill: { id: 'b', from: T0, to: T0 + SECOND, parallel: 2, failedOnly: true },
            stop: ['x'],
          },
        );
        await store.putJob(job);
        expect(await store.jobs()).toEqual([job]);
      });

      test('jobs() sorts by key', async () => {
        for (const name of ['c', 'a', 'b']) await store.putJob(aJob({}, { name }));
        expect((await store.jobs()).map((job) => job.name)).toEqual(['a', 'b', 'c']);
      });

      test('putting a job again replaces its definition and keeps its status', async () => {
        await store.putJob(aJob({}, { name: 'a', trigger: { id: 't' } }));
        await store.commit('local/a', aChange({ status: aStatus({ lastScheduleAt: T0 }) }));
        const changed = aJob({}, { name: 'a', generation: 2 });
        await store.putJob({ ...changed, status: aStatus({ phase: 'Invalid' }) });
        expect(await store.jobs()).toEqual([{ ...changed, status: aStatus({ lastScheduleAt: T0 }) }]);
      });

      test('a job of the same name with another uid does not inherit the status', async () => {
        await store.putJob(aJob({}, { name: 'a' }));
        await store.commit('local/a', aChange({ status: aStatus() }));
        await store.putJob(aJob({}, { name: 'a', uid: 'another' }));
        expect((await store.jobs())[0]?.status).toBeUndefined();
      });

      test('removing a job keeps its runs and slots as history', async () => {
        await store.putJob(aJob({}, { name: 'a' }));
        await store.commit(
          'local/a',
          aChange({ runs: [aRunAt('a', 1)], slots: [aSlotAt('a', 1)], status: aStatus() }),
        );
        await store.removeJob('local/a');
        expect(await store.jobs()).toEqual([]);
        expect(names(await store.runs({ job: 'local/a' }))).toEqual(['a-1']);
        expect(await store.slots({ job: 'local/a', from: 0, to: Infinity })).toEqual([aSlotAt('a', 1)]);
      });

      test('removing an unknown job changes nothing', async () => {
        await store.putJob(aJob({}, { name: 'a' }));
        await store.removeJob('local/b');
        expect(await store.jobs()).toHaveLength(1);
      });

      test('a job that is added again after its removal has no status', async () => {
        await store.putJob(aJob({}, { name: 'a' }));
        await store.commit('local/a', aChange({ status: aStatus() }));
        await store.removeJob('local/a');
        await store.putJob(aJob({}, { name: 'a' }));
        expect((await store.jobs())[0]?.status).toBeUndefined();
      });
    });

    test('oldestSlot() is the oldest record of the job that is left', async () => {
      expect(await store.oldestSlot('local/a')).toBeUndefined();
      const slots = [aSlotAt('a', 7200), aSlotAt('a', 3600), aSlotAt('b', 0)];
      await store.commit('local/a', aChange({ slots }));
      expect(await store.oldestSlot('local/a')).toEqual(aSlotAt('a', 3600));
      await store.prune(T0 + 3601 * SECOND);
      expect(await store.oldestSlot('local/a')).toEqual(aSlotAt('a', 7200));
    });

    describe('commits', () => {
      test('a run comes back with every field', async () => {
        const run: Run = {
          ...aRunAt('a', 1, { phase: 'Killed', reason: 'TimedOut', message: 'It took too long.' }),
          triggerId: 't',
          requestedBy: 'me',
          cause: { job: 'b', run: 'b-1' },
          endNumber: 7,
          attempt: 3,
          firstAttempt: 2,
          exitCode: 0,
          signal: 'SIGKILL',
          stopCause: 'TimedOut',
          outputTail: 'last words\n',
          outputBytes: 5_000_000_000,
        };
        await commit(run);
        expect(await store.run(run.name)).toEqual(run);
      });

      test('run() returns undefined for an unknown name', async () => {
        expect(await store.run('nobody')).toBeUndefined();
      });

      test('runs, slots and status of a change become visible together', async () => {
        await store.putJob(aJob({}, { name: 'a' }));
        await store.commit(
          'local/a',
          aChange({ runs: [aRunAt('a', 1), aRunAt('a', 2)], slots: [aSlotAt('a', 1)], status: aStatus() }),
        );
        expect(names(await store.runs({}))).toEqual(['a-2', 'a-1']);
        expect(await store.slots({ job: 'local/a', from: T0, to: T0 + SECOND })).toEqual([aSlotAt('a', 1)]);
        expect((await store.jobs())[0]?.status).toEqual(aStatus());
      });

      test('a repeated commit changes nothing', async () => {
        const change = aChange({ runs: [aRunAt('a', 1)], slots: [aSlotAt('a', 1)] });
        await store.commit('local/a', change);
        await store.commit('local/a', change);
        expect(await store.runs({})).toEqual([aRunAt('a', 1)]);
        expect(await store.slots({ job: 'local/a', from: T0, to: T0 + SECOND })).toEqual([aSlotAt('a', 1)]);
      });

      test('a commit replaces a run whole: an absent field is removed', async () => {
        await commit(aRunAt('a', 1, { phase: 'Running', message: 'Waiting.', stopCause: 'Replaced' }));
        await commit(aRunAt('a', 1, { phase: 'Running' }));
        expect(await store.run('a-1')).toEqual(aRunAt('a', 1, { phase: 'Running' }));
      });

      test('a slot record replaces the one with the same job and beginning', async () => {
        await store.commit('local/a', aChange({ slots: [aSlotAt('a', 1)] }));
        const grown = aSlotAt('a', 1, { to: T0 + 9 * SECOND, count: 9, outcome: 'Missed', run: undefined });
        await store.commit('local/a', aChange({ slots: [grown] }));
        expect(await store.slots({ job: 'local/a', from: 0, to: T0 * 2 })).toEqual([grown]);
      });

      test.each(FINISHED)('a %s run never becomes active again', async (phase) => {
        await commit(aRunAt('a', 1, { phase }));
        for (const active of ['Created', 'Running'] as const) {
          await expect(commit(aRunAt('a', 1, { phase: active }))).rejects.toMatchObject({
            code: 'RUN_FINISHED',
            fields: { name: 'a-1' },
          });
        }
        expect((await store.run('a-1'))?.phase).toBe(phase);
      });

      test('a change with one forbidden run writes nothing', async () => {
        await store.putJob(aJob({}, { name: 'a' }));
        await commit(aRunAt('a', 1));
        const change = aChange({
          runs: [aRunAt('a', 2), aRunAt('a', 1, { phase: 'Running' }), aRunAt('a', 3)],
          slots: [aSlotAt('a', 2)],
          status: aStatus(),
        });
        await expect(store.commit('local/a', change)).rejects.toMatchObject({ code: 'RUN_FINISHED' });
        expect(names(await store.runs({}))).toEqual(['a-1']);
        expect(await store.slots({ job: 'local/a', from: 0, to: T0 * 2 })).toEqual([]);
        expect((await store.jobs())[0]?.status).toBeUndefined();
      });

      test('one bad change among many concurrent ones fails alone', async () => {
        await commit(aRunAt('a', 5));
        const results = await Promise.allSettled(
          Array.from({ length: 20 }, (_, i) => commit(aRunAt('a', i, { phase: 'Running' }))),
        );
        expect(results.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([5]);
        expect(await store.runs({ phases: ['Running'] })).toHaveLength(19);
      });

      test('of concurrent commits of one job the last wins', async () => {
        await store.putJob(aJob({}, { name: 'a' }));
        await Promise.all(
          Array.from({ length: 200 }, (_, i) =>
            store.commit(
              'local/a',
              aChange({
                runs: [aRunAt('a', 1, { phase: 'Running', attempt: i })],
                status: aStatus({ observedGeneration: i }),
              }),
            ),
          ),
        );
        expect((await store.run('a-1'))?.attempt).toBe(199);
        expect((await store.jobs())[0]?.status?.observedGeneration).toBe(199);
      });

      test('a commit for a removed job drops the status and keeps the runs', async () => {
        await store.putJob(aJob({}, { name: 'a' }));
        const removed = store.removeJob('local/a');
        const committed = store.commit('local/a', aChange({ runs: [aRunAt('a', 1)], status: aStatus() }));
        await Promise.all([removed, committed]);
        expect(await store.jobs()).toEqual([]);
        expect(names(await store.runs({}))).toEqual(['a-1']);
      });

      test('a change of the caller’s objects after a commit does not reach the store', async () => {
        const run = aRunAt('a', 1);
        await commit(run);
        run.message = 'changed';
        const read = await store.run('a-1');
        expect(read?.message).toBeUndefined();
        if (read !== undefined) read.message = 'changed as well';
        expect((await store.run('a-1'))?.message).toBeUndefined();
      });

      test('any text survives: Unicode, quotes, newlines and zero characters', async () => {
        const text = string({ unit: 'binary' });
        await assert(
          asyncProperty(text, text, async (outputTail, message) => {
            await commit(aRunAt('a', 1, { outputTail, message }));
            const job = aJob({}, { name: 'a', trigger: { id: message } });
            await store.putJob({ ...job, spec: { ...job.spec, description: outputTail } });
            expect(await store.run('a-1')).toMatchObject({ outputTail, message });
            expect((await store.jobs())[0]).toMatchObject({
              trigger: { id: message },
              spec: { description: outputTail },
            });
          }),
          seeded({ numRuns: 50 }),
        );
      });

      test('a megabyte of output comes back whole', async () => {
        const outputTail = '0123456789abcde\n'.repeat(65_536);
        await commit(aRunAt('a', 1, { outputTail }));
        expect((await store.run('a-1'))?.outputTail).toBe(outputTail);
      });
    });

    describe('runs', () => {
      test('are newest first, and at most 50 by default', async () => {
        await commit(...Array.from({ length: 60 }, (_, i) => aRunAt('a', i)));
        const newest = Array.from({ length: 50 }, (_, i) => `a-${59 - i}`);
        expect(names(await store.runs({}))).toEqual(newest);
        expect(names(await store.runs({ limit: 2 }))).toEqual(['a-59', 'a-58']);
        expect(await store.runs({ limit: 0 })).toEqual([]);
        expect(await store.runs({ limit: 1000 })).toHaveLength(60);
      });

      test('are filtered by job, phase and age, each alone and all together', async () => {
        await commit(...RUN_PHASES.map((phase, i) => aRunAt('a', i, { phase })));
        await commit(...RUN_PHASES.map((phase, i) => aRunAt('b', i, { phase })));
        expect(names(await store.runs({ job: 'local/b', limit: 2 }))).toEqual(['b-5', 'b-4']);
        expect(names(await store.runs({ phases: ['Created', 'Killed'] }))).toEqual([
          'b-5',
          'a-5',
          'b-0',
          'a-0',
        ]);
        expect(names(await store.runs({ since: T0 + 5 * SECOND }))).toEqual(['b-5', 'a-5']);
        expect(
          names(await store.runs({ job: 'local/a', phases: ['Failed', 'Running'], since: T0 + 3 * SECOND })),
        ).toEqual(['a-4']);
        expect(await store.runs({ phases: [] })).toEqual([]);
        expect(await store.runs({ job: 'local/c' })).toEqual([]);
      });
    });

    describe('current', () => {
      test('holds every active run and the newest finished ones of each kind and job', async () => {
        await commit(
          ...Array.from({ length: 9 }, (_, i) =>
            aRunAt('a', i, { phase: i % 3 === 0 ? 'Failed' : 'Completed' }),
          ),
        );
        await commit(
          aRunAt('a', 20, { phase: 'Killed' }),
          aRunAt('a', 21, { phase: 'Running' }),
          aRunAt('a', 0.5, { phase: 'Created', name: 'old' }),
          aRunAt('a', 0.6, { phase: 'Pending', name: 'pending' }),
        );
        await commit(aRunAt('b', 1), aRunAt('b', 2));
        expect(names(await store.current(2)).sort()).toEqual(
          ['a-20', 'a-21', 'a-6', 'a-7', 'a-8', 'b-1', 'b-2', 'old', 'pending'].sort(),
        );
        expect(names(await store.current(0)).sort()).toEqual(['a-21', 'old', 'pending']);
      });

      test('is empty for an empty store', async () => {
        expect(await store.current(3)).toEqual([]);
      });
    });

    describe('slots', () => {
      const stretch = (from: number, to: number) =>
        aSlotAt('a', from, { to: T0 + to * SECOND, count: to - from + 1, outcome: 'Missed', run: undefined });

      test('touch the requested span, ends included, newest first', async () => {
        await store.commit(
          'local/a',
          aChange({ slots: [stretch(10, 19), aSlotAt('a', 20), stretch(21, 40), aSlotAt('a', 50)] }),
        );
        await store.commit('local/b', aChange({ slots: [aSlotAt('b', 20)] }));
        const between = async (from: number, to: number, limit?: number) =>
          (await store.slots({ job: 'local/a', from: T0 + from * SECOND, to: T0 + to * SECOND, limit })).map(
            ({ from }) => (from - T0) / SECOND,
          );
        expect(await between(0, 100)).toEqual([50, 21, 20, 10]);
        expect(await between(0, 100, 2)).toEqual([50, 21]);
        expect(await between(15, 15)).toEqual([10]);
        expect(await between(19, 21)).toEqual([21, 20, 10]);
        expect(await between(30, 45)).toEqual([21]);
        expect(await between(41, 49)).toEqual([]);
        expect(await between(0, 9)).toEqual([]);
      });

      test('without a run are found among any number that ran', async () => {
        await store.commit('local/a', aChange({ slots: [stretch(0, 5), aSlotAt('a', 6), stretch(7, 7)] }));
        await store.commit(
          'local/a',
          aChange({ slots: Array.from({ length: 60 }, (_, i) => aSlotAt('a', 10 + i)) }),
        );
        const notRun = await store.slots({ job: 'local/a', from: T0 + 3 * SECOND, to: T0 * 2, notRun: true });
        expect(notRun.map(({ from }) => (from - T0) / SECOND)).toEqual([7, 0]);
      });

      test('are at most 50 by default', async () => {
        await store.commit(
          'local/a',
          aChange({ slots: Array.from({ length: 60 }, (_, i) => aSlotAt('a', i)) }),
        );
        expect(await store.slots({ job: 'local/a', from: T0, to: T0 * 2 })).toHaveLength(50);
      });
    });

    describe('stats', () => {
      test('count outcomes and measure durations per job', async () => {
        const lasting = (i: number, ms: number, phase: RunPhase = 'Completed') =>
          aRunAt('a', i, { phase, startedAt: T0 + i * SECOND, finishedAt: T0 + i * SECOND + ms });
        await commit(...Array.from({ length: 40 }, (_, i) => lasting(i, (i + 1) * 10)));
        await commit(lasting(40, 1000, 'Failed'), lasting(41, 2001, 'Killed'));
        await commit(
          aRunAt('a', 42, { phase: 'Failed', startedAt: undefined }),
          aRunAt('a', 43, { phase: 'Running' }),
        );
        await store.commit(
          'local/a',
          aChange({
            slots: [
              aSlotAt('a', 44, { outcome: 'Missed', to: T0 + 50 * SECOND, count: 7 }),
              aSlotAt('a', 51, { outcome: 'Forbidden' }),
              aSlotAt('a', 52, { outcome: 'DeadlineExceeded' }),
              aSlotAt('a', 53, { outcome: 'Suspended' }),
              aSlotAt('a', 1),
            ],
          }),
        );
        expect(await store.stats({})).toEqual([
          {
            job: 'local/a',
            completed: 40,
            failed: 2,
            killed: 1,
            missed: 9,
            averageMs: Math.round((8200 + 3001) / 42),
            p95Ms: 400,
            recentDurationsMs: [...Array.from({ length: 28 }, (_, i) => (i + 13) * 10), 1000, 2001],
            firstRunAt: T0,
            lastRunAt: T0 + 43 * SECOND,
          },
        ]);
      });

      test('cover only the requested job and time, and include jobs with slots but no run', async () => {
        await commit(aRunAt('a', 1), aRunAt('a', 10));
        await commit(aRunAt('b', 10, { phase: 'Running' }));
        await store.commit('local/c', aChange({ slots: [aSlotAt('c', 10, { outcome: 'Missed' })] }));
        const nothing = { completed: 0, failed: 0, killed: 0, missed: 0, recentDurationsMs: [] };
        const at = T0 + 10 * SECOND;
        const a = {
          ...nothing,
          job: 'local/a',
          completed: 1,
          averageMs: 100,
          p95Ms: 100,
          recentDurationsMs: [100],
          firstRunAt: at,
          lastRunAt: at,
        };
        const b = { ...nothing, job: 'local/b', firstRunAt: at, lastRunAt: at };
        const c = { ...nothing, job: 'local/c', missed: 1 };
        expect(await store.stats({ since: at })).toEqual([a, b, c]);
        expect(await store.stats({ since: at, job: 'local/b' })).toEqual([b]);
        expect(await store.stats({ job: 'local/c' })).toEqual([c]);
        expect(await store.stats({ since: at + 1 })).toEqual([]);
        expect(await store.stats({ job: 'local/unknown' })).toEqual([]);
      });
    });

    describe('prune', () => {
      test('deletes finished runs and slots that ended before the instant, and returns the names of the runs', async () => {
        await commit(aRunAt('a', 1), aRunAt('a', 2), aRunAt('a', 3), aRunAt('a', 0, { phase: 'Running' }));
        await commit(aRunAt('a', 1, { name: 'long', finishedAt: T0 + 60 * SECOND }));
        const reaching = aSlotAt('a', 0, { to: T0 + 3 * SECOND, count: 4, outcome: 'Missed' });
        await store.commit('local/a', aChange({ slots: [reaching, aSlotAt('a', 1), aSlotAt('a', 5)] }));
        const pruned = await store.prune(T0 + 3 * SECOND);
        expect(pruned.sort()).toEqual(['a-1', 'a-2']);
        expect(names(await store.runs({})).sort()).toEqual(['a-0', 'a-3', 'long']);
        expect(await store.slots({ job: 'local/a', from: T0, to: T0 * 2 })).toEqual([
          aSlotAt('a', 5),
          reaching,
        ]);
        expect(await store.prune(T0 + 3 * SECOND)).toEqual([]);
      });

      test('prunes a long history, and loses no concurrent commit', async () => {
        await commit(...Array.from({ length: 1700 }, (_, i) => aRunAt('a', i)));
        await store.commit(
          'local/a',
          aChange({ slots: Array.from({ length: 1700 }, (_, i) => aSlotAt('a', i)) }),
        );
        const [pruned] = await Promise.all([store.prune(T0 + 1650 * SECOND), commit(aRunAt('a', 9000))]);
        expect(new Set(pruned).size).toBe(1650);
        expect(await store.runs({ limit: 100 })).toHaveLength(51);
        expect(await store.slots({ job: 'local/a', from: T0, to: T0 * 2, limit: 100 })).toHaveLength(50);
      });
    });
  });
}
