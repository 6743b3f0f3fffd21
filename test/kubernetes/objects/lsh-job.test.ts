// The LshJob object as the core’s job, and the round trip of status and runs through the object.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JobStatus } from '../../../src/core/job.ts';
import { RUN_TRIGGERS, type Run } from '../../../src/core/run.ts';
import { lshJobPath, readLshJob, readRuns, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { readStatus, runEntry, writeStatus } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { aJob, aRun, at } from '../../support/builders.ts';
import { seeded } from '../../support/seed.ts';

function anObject(spec: object, rest: Partial<LshJob> = {}): LshJob {
  return {
    apiVersion: 'lsh.dev/v1alpha1',
    kind: 'LshJob',
    metadata: {
      name: 'backup',
      namespace: 'team',
      uid: 'u1',
      resourceVersion: '7',
      generation: 3,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec,
    ...rest,
  };
}

const GOOD = { schedule: '0 2 * * *', command: 'true' };
const asServed = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('an LshJob object', () => {
  test('is a job with the defaults of a cluster', () => {
    const { job, problem } = readLshJob(anObject(GOOD));
    expect(problem).toBeUndefined();
    expect(job).toMatchObject({
      key: 'team/backup',
      uid: 'u1',
      generation: 3,
      createdAt: at('2026-01-01T00:00:00Z'),
      spec: { executor: 'Job', timeZone: 'UTC', captureOutput: true, concurrencyPolicy: 'Forbid' },
      status: undefined,
    });
    expect(job).not.toHaveProperty('trigger');
  });

  test('with an invalid spec is a job with a problem that names the field', () => {
    const { job, problem } = readLshJob(
      anObject({ ...GOOD, args: ['true'], terminationGracePeriodSeconds: 3 }),
    );
    expect(problem).toMatchObject({ code: 'JOB_INVALID', problems: [{ path: 'spec.args' }] });
    expect(job.spec.terminationGracePeriodSeconds).toBe(3);
  });

  test.each([
    ['an hour without minutes, which JavaScript cannot read', '2026-11-01T00:00:00+02'],
    ['an instant after the year 9999', '9999-12-31T23:59:59-23:59'],
    ['an instant before the year 0', '0000-01-01T00:00:00+23:59'],
  ])('with a backfill from %s is a job with a request that is refused', (_, from) => {
    const annotations = { 'lsh.dev/backfill': JSON.stringify({ from, to: '2026-11-02T00:00:00Z' }) };
    const object = anObject(GOOD);
    const { job } = readLshJob({ ...object, metadata: { ...object.metadata, annotations } });
    expect(job.backfill).toMatchObject({ from: 0, to: 0, problem: expect.stringContaining('from: ') });
  });

  test('with a long fault in its backfill has a short problem: a status repeats it', () => {
    const range = { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' };
    const annotations = { 'lsh.dev/backfill': JSON.stringify({ ...range, ['x'.repeat(5000)]: 1 }) };
    const object = anObject(GOOD);
    const { job } = readLshJob({ ...object, metadata: { ...object.metadata, annotations } });
    expect(job.backfill!.problem!.length).toBeLessThanOrEqual(300);
  });

  test.each([[undefined], ['text'], [{ schedule: 5 }]])(
    'with the spec %j is a problem, not a crash',
    (spec) => {
      const { job, problem } = readLshJob(anObject(spec as object));
      expect(problem?.code).toBe('JOB_INVALID');
      expect(job.name).toBe('backup');
    },
  );

  test('has requests in its annotations', () => {
    const { metadata } = anObject(GOOD);
    const annotations = { 'lsh.dev/trigger': 't1', 'lsh.dev/requested-by': 'ana', 'lsh.dev/stop': 'a, b' };
    const { job } = readLshJob(anObject(GOOD, { metadata: { ...metadata, annotations } }));
    expect(job).toMatchObject({ trigger: { id: 't1', requestedBy: 'ana' }, stop: ['a', 'b'] });
  });

  test('has its paths', () => {
    expect(lshJobPath()).toBe('/apis/lsh.dev/v1alpha1/lshjobs');
    expect(lshJobPath('a')).toBe('/apis/lsh.dev/v1alpha1/namespaces/a/lshjobs');
    expect(lshJobPath('a', 'b')).toBe('/apis/lsh.dev/v1alpha1/namespaces/a/lshjobs/b');
  });
});

describe('a status', () => {
  const status: JobStatus = {
    observedGeneration: 3,
    phase: 'Running',
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Scheduled',
        message: 'The schedule is evaluated.',
        lastTransitionAt: at('2026-01-01T00:00:01Z'),
        observedGeneration: 3,
      },
    ],
    accountedUntil: at('2026-01-02T02:00:00Z'),
    lastScheduleAt: at('2026-01-02T02:00:00Z'),
    nextScheduleAt: at('2026-01-03T02:00:00Z'),
    lastSuccessAt: at('2026-01-01T02:00:05.250Z'),
    lastFailureAt: undefined,
    observedSchedule: 'abc',
    totals: { completed: 1, failed: 2, killed: 3, missed: 4 },
    lastHandledTrigger: 't1',
  };

  test('drops a hand-written condition without a time', () => {
    const [ready] = writeStatus(aJob(), status, { runs: [], outcomes: [] }).conditions;
    const timeless = { type: 'Failing', status: 'False' } as typeof ready;
    const conditions = [timeless!, ready!];
    const read = readStatus(asServed({ accountedUntil: '2026-01-02T02:00:00Z', conditions }));
    expect(read?.conditions).toEqual(status.conditions);
  });

  test('is read as it was written', () => {
    expect(readStatus(asServed(writeStatus(aJob(), status, { runs: [], outcomes: [] })))).toEqual(status);
  });

  test('without a cursor, after a hand edit, is ignored', () => {
    expect(readStatus({ phase: 'Running' })).toBeUndefined();
    expect(readStatus({ accountedUntil: 'yesterday' })).toBeUndefined();
  });

  describe('edited by hand', () => {
    const entry = runEntry(
      aRun({ name: 'backup-1', phase: 'Running', startedAt: at('2026-01-01T00:01:01Z') }),
    );
    const read = (edited: object) =>
      readRuns(anObject(GOOD, { status: { active: [{ ...entry, ...edited }], recentRuns: [entry] } }));

    test.each([
      ['a path as its name', { name: '../../etc/passwd' }],
      ['a name that begins with a point', { name: '.' }],
      ['a name with a space', { name: 'backup 1' }],
      ['a name that is too long', { name: 'l'.repeat(64) }],
      ['no slot', { slot: undefined }],
      ['a slot that is no instant', { slot: 'yesterday' }],
      ['a creation before 1970', { createdAt: '1960-01-01T00:00:00Z' }],
      ['half an attempt', { attempt: 0.5 }],
      ['no phase', { phase: undefined }],
      ['no executor', { executor: undefined }],
      ['no trigger', { trigger: undefined }],
    ])('drops a run with %s, and keeps its other runs', (_, edited) => {
      expect(read(edited).map(({ name }) => name)).toEqual(['backup-1']);
    });

    test('drops the fields that contradict the phase of a run', () => {
      const [run] = read({ name: 'backup-2', startedAt: '1960-01-01T00:00:00Z', stopCause: 'Because' });
      expect(run).toMatchObject({ name: 'backup-2', startedAt: undefined, stopCause: undefined });
    });

    test.each([
      ['without its names', {}],
      ['with a name that no run can have', { job: 'backup', run: '../../x' }],
      ['with a name that no job can have', { job: 'x'.repeat(254), run: 'backup-1' }],
    ])('drops the cause of a run %s', (_, cause) => {
      expect(read({ name: 'backup-2', cause })[0]).toMatchObject({ name: 'backup-2', cause: undefined });
    });
  });

  test('separates active runs from finished ones', () => {
    const runs = [aRun({ name: 'b' }), aRun({ name: 'a', phase: 'Failed', reason: 'ExitCode' })];
    const written = writeStatus(aJob(), status, { runs, outcomes: [] });
    expect(written.active.map(({ name }) => name)).toEqual(['b']);
    expect(written.recentRuns.map(({ name }) => name)).toEqual(['a']);
  });

  test('keeps the end of an output, cut between characters', () => {
    const { outputTail } = runEntry(aRun({ outputTail: `${'é'.repeat(700)}x` }));
    expect(Buffer.byteLength(outputTail!)).toBeLessThanOrEqual(1024);
    expect(outputTail).toBe(`${'é'.repeat(511)}x`);
  });

  test('stores at most half a KiB for each run beyond the history limits', () => {
    const runs = Array.from({ length: 103 }, (_, index) =>
      aRun({
        name: `backup-${index}`,
        phase: 'Failed',
        reason: 'ExitCode',
        message: 'm'.repeat(4096),
        outputTail: 'o'.repeat(1024),
        createdAt: 1000 - index,
        finishedAt: 1000 - index,
      }),
    );
    const { recentRuns } = writeStatus(aJob({ failedRunsHistoryLimit: 3 }), status, { runs, outcomes: [] });
    const [shown, kept] = [recentRuns.slice(0, 3), recentRuns.slice(3)];
    expect(shown.every(({ message, outputTail }) => message?.length === 4096 && outputTail)).toBe(true);
    expect(kept).toHaveLength(100);
    expect(Math.max(...kept.map((run) => JSON.stringify(run).length))).toBeLessThan(512);
  });

  test('returns every run as it was written', () => {
    const instant = fc.integer({ min: 0, max: at('2100-01-01T00:00:00Z') });
    const text = fc.string({ maxLength: 40 }).map((one) => one.toWellFormed());
    const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
    const common = {
      name: fc.stringMatching(/^[a-z]{1,20}$/),
      job: fc.constant('team/backup'),
      jobUid: fc.constant('u1'),
      trigger: fc.constantFrom(...RUN_TRIGGERS),
      slot: instant.map((ms) => ms - (ms % 1000)),
      triggerId: maybe(text),
      requestedBy: maybe(text),
      cause: maybe(fc.record({ job: text, run: fc.stringMatching(/^[a-z]{1,20}$/) })),
      endNumber: maybe(fc.nat()),
      attempt: fc.integer({ min: 1, max: 101 }),
      executor: fc.constantFrom('Shell', 'Job'),
      message: maybe(text),
      createdAt: instant,
      startAfter: instant,
      startedAt: maybe(instant),
    } as const;
    const active = fc.record({
      ...common,
      phase: fc.constantFrom('Created', 'Running'),
      stopCause: maybe(fc.constantFrom('TimedOut', 'Replaced')),
    });
    const finished = fc.record({
      ...common,
      phase: fc.constantFrom('Completed', 'Failed', 'Killed'),
      reason: maybe(fc.constantFrom('ExitCode', 'Lost', 'TimedOut')),
      finishedAt: instant,
      exitCode: maybe(fc.integer({ min: 0, max: 255 })),
      signal: maybe(fc.constantFrom('SIGTERM', 'SIGKILL')),
      outputTail: maybe(text),
      outputBytes: maybe(fc.nat()),
    });
    // An empty text is stored as an absent field.
    const known = (run: Run) =>
      Object.fromEntries(Object.entries(run).filter(([, value]) => value !== undefined && value !== ''));
    fc.assert(
      fc.property(fc.oneof(active, finished), (run) => {
        const written = writeStatus(aJob(), status, { runs: [run], outcomes: [] });
        const [read] = readRuns(anObject(GOOD, { status: asServed(written) }));
        expect(known(read!)).toEqual(known(run as Run));
      }),
      seeded({ numRuns: 500 }),
    );
  });
});
