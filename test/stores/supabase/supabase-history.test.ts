// The team’s history against a real Postgres and a real PostgREST.
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LshError } from '../../../src/core/errors.ts';
import type { Run } from '../../../src/core/run.ts';
import { aRunAt, T0 } from '../../support/builders.ts';
import { NO_SUPABASE, RunRecorder, Supabase } from '../../support/stores/supabase.ts';

const MIB = 1024 * 1024;
/** Two more processes have to answer, also on a busy machine. */
const timeoutMs = 120_000;

describe.skipIf(NO_SUPABASE)('the history in Supabase', () => {
  let supabase: Supabase;
  let history: RunRecorder;

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());
  beforeEach(async () => {
    await supabase.clear();
    supabase.gateway.requests.length = 0;
    supabase.gateway.answer = undefined;
    history = patient();
  });

  function patient(): RunRecorder {
    const { url, serviceRoleKey: apiKey } = supabase;
    return new RunRecorder({ url, apiKey, timeoutMs });
  }

  /** The LshError of a rejected record(); any other outcome fails the test. */
  async function failure(of = history, run = aRunAt('a', 1)): Promise<LshError> {
    const error: unknown = await of.record([run]).then(
      () => new Error('it was recorded'),
      (thrown: unknown) => thrown,
    );
    if (error instanceof LshError) return error;
    throw error;
  }

  describe('record()', () => {
    test('makes one row of a run, however often it is recorded', async () => {
      const [one, two] = [aRunAt('a', 1), aRunAt('a', 2)];
      await history.record([one, two, one]);
      const rows = () => supabase.sql('select name, xmin, recorded_at from lsh_runs order by name');
      const before = await rows();
      await history.record([two, one]);
      await patient().record([one]);
      expect(await rows()).toEqual(before);
      expect(before).toMatchObject([{ name: 'a-1' }, { name: 'a-2' }]);
    });

    test('keeps the first record of a run', async () => {
      const first = aRunAt('a', 1, {
        phase: 'Failed',
        reason: 'ExitCode',
        exitCode: 3,
        outputTail: 'all of it',
      });
      await history.record([first]);
      await history.record([{ ...first, phase: 'Completed', exitCode: 0, outputTail: 'it' }]);
      expect(await supabase.runs()).toEqual([first]);
    });

    test('makes two rows of runs with the same name and different jobs', async () => {
      await history.record([aRunAt('a', 1), aRunAt('a', 1, { jobUid: 'made again' })]);
      expect(await supabase.runs()).toHaveLength(2);
    });

    test('keeps every field, and leaves absent fields absent', async () => {
      const whole: Required<
        Omit<Run, 'pass' | 'firstAttempt' | 'disruptions' | 'specChanges' | 'cause' | 'endNumber'>
      > = {
        name: 'whole',
        job: 'team-a/backup',
        jobUid: 'c0ffee00-0000-4000-8000-000000000000',
        trigger: 'CatchUp',
        slot: T0,
        triggerId: 'asked-1',
        requestedBy: 'someone@example.com',
        attempt: 3,
        executor: 'Shell',
        host: 'lsh-0',
        phase: 'Killed',
        reason: 'TimedOut',
        message: 'It took longer than 5 s.',
        createdAt: T0 + 1,
        startAfter: T0 + 2,
        startedAt: T0 + 3,
        finishedAt: T0 + 5_004,
        exitCode: 143,
        signal: 'SIGTERM',
        stopCause: 'TimedOut',
        outputTail: 'naïve 🦊\n\ttab "quoted" \\u0000 \u001b[31mred\u001b[0m\r\n',
        secretsVersion: 'prod@7',
        outputBytes: 5_000_000_000,
      };
      const bare: Run = {
        name: 'bare',
        job: 'default/a',
        jobUid: 'uid',
        trigger: 'Schedule',
        slot: T0,
        attempt: 1,
        executor: 'Job',
        phase: 'Completed',
        createdAt: T0,
        startAfter: T0,
      };
      await history.record([whole, bare]);
      expect(await supabase.runs()).toEqual([bare, whole]);
      expect(await supabase.sql(`select namespace, job from lsh_runs where name = 'whole'`)).toEqual([
        { namespace: 'team-a', job: 'backup' },
      ]);
    });

    test('adds the time of recording', async () => {
      await history.record([aRunAt('a', 1)]);
      const recent = `recorded_at between now() - interval '1 minute' and now()`;
      expect(await supabase.sql(`select ${recent} as recent from lsh_runs`)).toEqual([{ recent: true }]);
    });

    test('sends no request without runs', async () => {
      await history.record([]);
      expect(supabase.gateway.requests).toEqual([]);
    });

    test('replaces characters that Postgres rejects, and records the whole batch', async () => {
      const outputTail = 'a\0b \ud83e c \udd8a d 🦊';
      await history.record([
        aRunAt('a', 1, { outputTail, message: '\0', requestedBy: '\ud800' }),
        aRunAt('a', 2),
      ]);
      expect(await supabase.runs()).toEqual([
        aRunAt('a', 1, { outputTail: 'a�b � c � d 🦊', message: '�', requestedBy: '�' }),
        aRunAt('a', 2),
      ]);
    });

    test('takes every code unit of UTF-16 in an output', async () => {
      const units = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit));
      const tails = Array.from({ length: 256 }, (_, page) =>
        units.slice(page * 256, (page + 1) * 256).join(''),
      );
      const runs = tails.map((outputTail, page) => aRunAt('a', 1000 + page, { outputTail }));
      await history.record(runs);
      const kept = await supabase.runs();
      expect(kept).toHaveLength(256);
      const replaced = kept.filter((run, page) => run.outputTail !== tails[page]).map(({ name }) => name);
      // The page with NUL, and the eight pages of surrogates.
      expect(replaced).toEqual(['a-1000', ...Array.from({ length: 8 }, (_, i) => `a-${1000 + 0xd8 + i}`)]);
    });

    test('splits five thousand runs into requests with a limit of rows and bytes', async () => {
      const tail = '€'.repeat(1300);
      const runs = Array.from({ length: 5000 }, (_, second) =>
        aRunAt('a', second, second < 4000 ? {} : { outputTail: tail }),
      );
      await history.record(runs);
      expect(await supabase.sql('select count(*)::int as count from lsh_runs')).toEqual([{ count: 5000 }]);
      const writes = supabase.gateway.requests.filter(({ path }) => path.includes('/lsh_runs'));
      const sizes = writes.map(({ body }) => ({
        rows: (JSON.parse(body) as unknown[]).length,
        bytes: Buffer.byteLength(body),
      }));
      expect(Math.max(...sizes.map(({ rows }) => rows))).toBe(500);
      expect(Math.max(...sizes.map(({ bytes }) => bytes))).toBeLessThanOrEqual(MIB);
      expect(sizes.filter(({ bytes }) => bytes > 0.99 * MIB).length).toBeGreaterThan(2);
    });
  });

  test('takes finished runs only', async () => {
    expect(await failure(history, aRunAt('a', 1, { phase: 'Running' }))).toMatchObject({
      code: 'HISTORY_REFUSED',
      message: expect.stringContaining('(23514): new row for relation "lsh_runs" violates'),
    });
  });

  describe('HISTORY_REFUSED', () => {
    test.each([
      ['a key of another project', () => 'sb_secret_of-another-project', 'HTTP 401: Invalid API key'],
      ['the public key', () => supabase.anonKey, 'HTTP 401 (42501): permission denied for table lsh_origins'],
      [
        'a key that cannot be a header',
        () => 'first line\nsecond line',
        '"[key]" is an invalid header value',
      ],
      ['no key', () => '', 'supabaseKey is required'],
    ])('%s is refused without being told', async (_, key, detail) => {
      const apiKey = key();
      const error = await failure(new RunRecorder({ url: supabase.url, apiKey, timeoutMs }));
      expect(error).toMatchObject({ code: 'HISTORY_REFUSED', retryable: false });
      expect(error.message).toContain(detail);
      expect(error.hint).toContain('SUPABASE_SERVICE_ROLE_KEY');
      const everything = inspect(error, { depth: null }) + JSON.stringify(error);
      if (apiKey !== '') expect(everything).not.toContain(apiKey);
      expect(await supabase.runs()).toEqual([]);
    });

    const CHANGES = [
      {
        what: 'table',
        take: 'alter table lsh_runs rename to other',
        give: 'alter table other rename to lsh_runs',
        // This PostgREST's code; newer ones answer PGRST205.
        known: 'HTTP 404',
        unknown: '(42P01)',
      },
      {
        what: 'column',
        take: 'alter table lsh_runs rename host to other',
        give: 'alter table lsh_runs rename other to host',
        known: '(PGRST204)',
        unknown: '(42703)',
      },
    ];

    test.each(CHANGES)('a project without our $what gets a hint at the migrations', async (change) => {
      await supabase.alter(change.take);
      const error = await failure();
      await supabase.alter(change.give);
      expect(error).toMatchObject({ code: 'HISTORY_REFUSED', retryable: false });
      expect(error.message).toContain(change.known);
      expect(error.hint).toContain('`lsh supabase init`');
      await history.record([aRunAt('a', 1)]);
      expect(await supabase.runs()).toEqual([aRunAt('a', 1)]);
    });

    test.each(CHANGES)('so does one whose REST API still has our $what in its cache', async (change) => {
      await supabase.sql(change.take);
      const error = await failure();
      await supabase.sql(change.give);
      expect(error).toMatchObject({ code: 'HISTORY_REFUSED' });
      expect(error.message).toContain(change.unknown);
    });

    test('PGRST205, a missing table for newer servers, gets the same hint', async () => {
      supabase.gateway.answer = {
        status: 404,
        body: JSON.stringify({
          code: 'PGRST205',
          details: null,
          hint: null,
          message: `Could not find the table 'public.lsh_runs' in the schema cache`,
        }),
      };
      expect(await failure()).toMatchObject({
        code: 'HISTORY_REFUSED',
        message: expect.stringContaining('HTTP 404 (PGRST205): Could not find the table'),
      });
    });

    test.each([
      ['a 404 without a body', { status: 404 }, 'HTTP 404'],
      ['a page', { status: 200, body: '<h1>Welcome</h1>' }, 'does not come from Supabase'],
      ['another program’s answer', { status: 200, body: '{"ok":true}' }, 'does not come from Supabase'],
      ['a redirect', { status: 301, headers: { location: '/' } }, 'HTTP 301'],
    ])('%s is not taken for a success', async (_, answer, detail) => {
      supabase.gateway.answer = answer;
      const error = await failure();
      expect(error).toMatchObject({ code: 'HISTORY_REFUSED' });
      expect(error.message).toContain(detail);
      expect(supabase.gateway.requests).toHaveLength(1);
    });

    test('an invalid URL', async () => {
      const { serviceRoleKey: apiKey } = supabase;
      const error = await failure(new RunRecorder({ url: 'project.supabase.co', apiKey }));
      expect(error).toMatchObject({ code: 'HISTORY_REFUSED' });
      expect(error.message).toContain('Invalid supabaseUrl');
    });
  });

  describe('HISTORY_UNAVAILABLE', () => {
    test('a project that is down takes the same runs when it is back', async () => {
      await history.record([aRunAt('a', 1)]);
      await supabase.gateway.away();
      const error = await failure(history, aRunAt('a', 2));
      await supabase.gateway.back();
      expect(error).toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true, retryAfterMs: 0 });
      expect(error.message).toContain(`The Supabase project at ${supabase.url} cannot be reached: `);
      await history.record([aRunAt('a', 1), aRunAt('a', 2)]);
      expect(await supabase.runs()).toEqual([aRunAt('a', 1), aRunAt('a', 2)]);
    });

    test('a project that does not answer in time', async () => {
      supabase.gateway.answer = 'silence';
      const { url, serviceRoleKey: apiKey } = supabase;
      const error = await failure(new RunRecorder({ url, apiKey, timeoutMs: 100 }));
      expect(error).toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true });
      expect(error.message).toContain('no answer within 0.1 s');
    });

    test('a response with Retry-After sets the time to wait', async () => {
      supabase.gateway.answer = {
        status: 429,
        headers: { 'retry-after': '7' },
        body: '{"message":"Slow down."}',
      };
      expect(await failure()).toMatchObject({
        code: 'HISTORY_UNAVAILABLE',
        message: `The Supabase project at ${supabase.url} cannot be reached: HTTP 429: Slow down.`,
        retryable: true,
        retryAfterMs: 7_000,
      });
    });

    test.each([408, 500, 502, 503, 504, 540])('HTTP %d', async (status) => {
      supabase.gateway.answer = { status, body: '<html>trouble</html>' };
      const error = await failure();
      expect(error).toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true });
      expect(error.message).toContain(`cannot be reached: HTTP ${status}: `);
    });
  });
});
