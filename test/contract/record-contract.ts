// What every home of finished runs keeps, as one suite: memory, the daemon's database and the team's project. A store has more
// (store-contract.ts): active runs, slots, claims. The project has rows alone, which are added and never changed.
import { assert, asyncProperty, string } from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunQuery, RunStore } from '../../src/contracts/stores.ts';
import type { Run } from '../../src/core/run.ts';
import { aChange, aRunAt, SECOND, T0 } from '../support/builders.ts';
import { seeded } from '../support/seed.ts';

export interface RunRecord {
  /** Resolves once the finished runs are recorded. */
  record(runs: readonly Run[]): Promise<void>;
  /** Newest first. */
  runs(query: RunQuery): Promise<Run[]>;
}

export interface OpenedRecord {
  record: RunRecord;
  /** Removes every run. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** A store as a record. */
export function recordOf(store: RunStore): RunRecord {
  return {
    record: async (runs) => {
      const byJob = Map.groupBy(runs, ({ job }) => job);
      for (const [job, own] of byJob) await store.commit(job, aChange({ runs: own }));
    },
    runs: (query) => store.runs(query),
  };
}

const names = (runs: readonly Run[]) => runs.map(({ name }) => name);

/** `open` returns an empty record. */
export function recordContract(name: string, open: () => Promise<OpenedRecord>): void {
  describe(`the contract of a record of runs, kept by ${name}`, () => {
    let opened: OpenedRecord;
    let record: RunRecord;

    beforeEach(async () => {
      opened = await open();
      ({ record } = opened);
    });
    afterEach(() => opened.close());

    test('a run that another started comes back with what it followed', async () => {
      const cause = { job: 'first', run: 'first-1-2' };
      await record.record([{ ...aRunAt('a', 1), trigger: 'After', cause }, aRunAt('a', 2)]);
      expect((await record.runs({})).map((run) => run.cause)).toEqual([undefined, cause]);
    });

    test('a run comes back with every field', async () => {
      const whole: Run = {
        ...aRunAt('a', 1),
        trigger: 'Manual',
        triggerId: 'asked-1',
        requestedBy: 'ada',
        attempt: 3,
        host: 'laptop',
        phase: 'Killed',
        reason: 'TimedOut',
        message: 'It took longer than 5 s.',
        startedAt: T0 + SECOND + 3,
        finishedAt: T0 + SECOND + 5_004,
        exitCode: 143,
        signal: 'SIGTERM',
        stopCause: 'TimedOut',
        outputTail: 'naïve 🦊\n\t"quoted"',
        outputBytes: 5_000_000_000,
      };
      await record.record([whole]);
      expect(await record.runs({})).toEqual([whole]);
    });

    test('a run that is recorded again stays one run', async () => {
      const runs = [aRunAt('a', 1), aRunAt('a', 2)];
      for (const again of [runs, runs.toReversed(), runs.slice(1)]) await record.record(again);
      expect(await record.runs({})).toEqual(runs.toReversed());
    });

    test('records at the same time lose nothing', async () => {
      const runs = Array.from({ length: 40 }, (_, second) => aRunAt('a', second));
      await Promise.all(runs.map((run) => record.record([run])));
      expect(await record.runs({ limit: 100 })).toEqual(runs.toReversed());
    });

    test('twelve hundred runs come back, newest first, and 50 by default', async () => {
      const runs = Array.from({ length: 1200 }, (_, second) => aRunAt('a', second));
      await record.record(runs);
      const newest = names(runs).toReversed();
      expect(names(await record.runs({}))).toEqual(newest.slice(0, 50));
      expect(names(await record.runs({ limit: 1000 }))).toEqual(newest.slice(0, 1000));
    });

    test('runs are filtered by job, phase and age, each alone and all together', async () => {
      const phases = ['Completed', 'Failed', 'Killed'] as const;
      await record.record(phases.map((phase, i) => aRunAt('a', 2 * i, { phase })));
      await record.record(phases.map((phase, i) => aRunAt('b', 2 * i + 1, { phase })));
      expect(names(await record.runs({ job: 'local/b' }))).toEqual(['b-5', 'b-3', 'b-1']);
      expect(names(await record.runs({ phases: ['Failed', 'Killed'] }))).toEqual([
        'b-5',
        'a-4',
        'b-3',
        'a-2',
      ]);
      expect(names(await record.runs({ since: T0 + 4 * SECOND }))).toEqual(['b-5', 'a-4']);
      const all = { job: 'local/a', phases: ['Failed', 'Completed'] as const, since: T0 + 2 * SECOND };
      expect(names(await record.runs(all))).toEqual(['a-2']);
      expect(await record.runs({ job: 'local/c' })).toEqual([]);
    });

    test('a record of nothing changes nothing', async () => {
      await record.record([]);
      expect(await record.runs({})).toEqual([]);
    });

    test('any text survives but zero characters', async () => {
      await assert(
        asyncProperty(string({ unit: 'binary', maxLength: 200 }), async (text) => {
          const outputTail = text.replaceAll('\0', '');
          await opened.clear();
          await record.record([aRunAt('a', 1, { outputTail, message: outputTail })]);
          expect(await record.runs({})).toMatchObject([{ outputTail, message: outputTail }]);
        }),
        seeded({ numRuns: 30 }),
      );
    });
  });
}
