// What a daemon says of each failure of its team's project, and what `lsh supabase status` says of the same: the outbox of a real
// database writes to a real project. Once the failure is over, the project has each run once.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { StoredOutbox } from '../../../src/control/history/stored-outbox.ts';
import { LshError } from '../../../src/core/errors.ts';
import { projectStatus } from '../../../src/stores/supabase/project-status.ts';
import { SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import { SupabaseHistory } from '../../../src/stores/supabase/supabase-history.ts';
import { aChange, aRunAt, at } from '../../support/builders.ts';
import { eventually } from '../../support/eventually.ts';
import { keptLogger } from '../../support/kept-logger.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { AN_ORIGIN, NO_SUPABASE, Supabase, TAILS } from '../../support/stores/supabase.ts';
import { tempDir } from '../../support/temp-dir.ts';

const FULL = `create function no_room() returns trigger language plpgsql as $$
  begin raise exception 'could not extend file "base/5/16385": No space left on device' using errcode = '53100'; end $$;
  create trigger no_room before insert on lsh_runs execute function no_room()`;
const PAGE = '<!DOCTYPE html><html><h1>Sign in to the network</h1></html>';

interface Failure {
  what: string;
  /** Makes the failure; the key that the daemon has, where it is another. */
  make: (supabase: Supabase) => Promise<string | void> | string | void;
  /** Ends it; absent where only another key ends it. */
  end?: (supabase: Supabase) => Promise<void> | void;
  message: RegExp;
  hint: RegExp;
  /** What the status says, where it is something else: it reads, and writes nothing. */
  status?: RegExp | 'well';
}

const answers = (status: number, body: string) => ({
  make: ({ gateway }: Supabase) => void (gateway.answer = { status, body }),
  end: ({ gateway }: Supabase) => void (gateway.answer = undefined),
});

const FAILURES: Failure[] = [
  {
    what: 'the key of another project',
    make: () => 'sb_secret_of-another-project',
    message: /HTTP 401: Invalid API key/,
    hint: /Set SUPABASE_SERVICE_ROLE_KEY/,
  },
  {
    what: 'an expired key',
    make: (supabase) => {
      const key = supabase.token('service_role', { exp: 1_700_000_000 });
      supabase.gateway.accept(key);
      return key;
    },
    message: /JWT expired: the key has expired/,
    hint: /Set SUPABASE_SERVICE_ROLE_KEY/,
  },
  {
    what: 'a key from a clock that is five minutes ahead',
    make: (supabase) => {
      const key = supabase.token('service_role', { iat: Math.floor(Date.now() / 1000) + 300 });
      supabase.gateway.accept(key);
      return key;
    },
    message: /JWT ?Issued ?At ?Future/i,
    hint: /Set the clock/,
  },
  {
    what: 'the public key',
    make: (supabase) => supabase.anonKey,
    message: /\(42501\): permission denied for table lsh_origins/,
    hint: /Set SUPABASE_SERVICE_ROLE_KEY/,
    status: /permission denied for function lsh_status/,
  },
  {
    what: 'a paused project',
    ...answers(540, '{"message":"Project paused"}'),
    message: /HTTP 540: Project paused: the project is paused/,
    hint: /Restore the project in its dashboard/,
  },
  {
    what: 'a restricted project',
    ...answers(402, '{"message":"exceed_egress_quota"}'),
    message: /HTTP 402: exceed_egress_quota: the project is restricted/,
    hint: /the dashboard says which/,
  },
  {
    what: 'a proxy that answers a page with 200',
    ...answers(200, PAGE),
    message: /does not come from Supabase/,
    hint: /a proxy or a captive portal/,
  },
  {
    what: 'a proxy that answers a page with 502',
    ...answers(502, PAGE),
    message: /HTTP 502: a web page in place of an answer/,
    hint: /a proxy or a captive portal/,
  },
  {
    what: 'no table',
    make: (supabase) => supabase.alter('alter table lsh_runs rename to elsewhere'),
    end: (supabase) => supabase.alter('alter table elsewhere rename to lsh_runs'),
    message: /HTTP 404/,
    hint: /`lsh supabase init`/,
    status: /has no tables of lsh/,
  },
  {
    what: 'a database whose disk is full',
    make: async (supabase) => void (await supabase.sql(FULL)),
    end: async (supabase) => void (await supabase.sql('drop function no_room cascade')),
    message: /\(53100\): could not extend file .*No space left on device/,
    hint: /lsh_prune\(\)/,
    status: 'well',
  },
  {
    what: 'no project at all',
    make: ({ gateway }) => gateway.away(),
    end: ({ gateway }) => gateway.back(),
    message: /cannot be reached: /,
    hint: /not paused/,
  },
];

describe.skipIf(NO_SUPABASE)('with', () => {
  let supabase: Supabase;
  let store: SqliteStore;
  let clock: ManualClock;
  let outbox: StoredOutbox | undefined;
  const logger = keptLogger();

  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());
  beforeEach(async () => {
    await supabase.clear();
    clock = new ManualClock(at('2026-01-01T00:00:00Z'));
    store = SqliteStore.open(join(tempDir(), 'lsh.db'));
    store.record();
  });
  afterEach(() => {
    outbox?.close();
    store.close();
  });

  function startWith(apiKey: string): StoredOutbox {
    const history = new SupabaseHistory({ url: supabase.url, apiKey, origin: AN_ORIGIN, output: TAILS });
    outbox = new StoredOutbox({ history, clock, logger, store: store.outbox });
    outbox.wake();
    return outbox;
  }

  async function end(...runs: ReturnType<typeof aRunAt>[]): Promise<void> {
    for (const run of runs) await store.commit(run.job, aChange({ runs: [run] }));
  }

  /** Lets the time of the outbox pass until the condition holds. */
  const whilePassing = (holds: () => boolean) =>
    eventually(() => {
      clock.advanceTo(clock.now() + 1000);
      return holds();
    });

  test.each(FAILURES)('$what', async ({ make, end: over, message, hint, status }) => {
    await end(aRunAt('a', 1), aRunAt('a', 2));
    const apiKey = (await make(supabase)) ?? supabase.serviceRoleKey;
    const writing = startWith(apiKey);
    await whilePassing(() => writing.standing().trouble !== undefined);
    const { trouble, backlog } = writing.standing();
    expect(trouble?.message).toMatch(message);
    expect(trouble?.hint).toMatch(hint);
    expect(JSON.stringify(trouble)).not.toContain(apiKey);
    expect(backlog).toBe(2);

    const asked: unknown = await projectStatus({ url: supabase.url, apiKey }, Date.now).catch(
      (error: unknown) => error,
    );
    if (status === 'well') expect(asked).toMatchObject({ facts: { writes: true } });
    else {
      expect(asked).toBeInstanceOf(LshError);
      expect((asked as LshError).message).toMatch(status ?? message);
      expect((asked as LshError).hint).toMatch(hint);
    }

    if (over === undefined) return;
    await over(supabase);
    await whilePassing(() => writing.standing().backlog === 0);
    expect(await supabase.runs()).toEqual([aRunAt('a', 1), aRunAt('a', 2)]);
  });

  test('a row that is too large, which holds up no other', async () => {
    // Random, so that Postgres cannot compress the key of its index below the limit.
    const name = randomBytes(6000).toString('hex');
    await end(aRunAt('a', 1), { ...aRunAt('a', 2), name }, aRunAt('a', 3));
    const writing = startWith(supabase.serviceRoleKey);
    await whilePassing(() => writing.standing().backlog === 1);
    await whilePassing(() => writing.standing().trouble !== undefined);
    expect(writing.standing().trouble).toMatchObject({
      reason: 'HistoryRefused',
      message: expect.stringMatching(/\(54000\).*a row is larger than the project accepts/),
      hint: expect.stringContaining('LSH_RECORD_OUTPUT_BYTES'),
    });
    expect(await supabase.runs()).toEqual([aRunAt('a', 1), aRunAt('a', 3)]);
  });

  test('a gateway that refuses large requests, which says so', async () => {
    supabase.gateway.answer = { status: 413, body: '<html><h1>413 Request Entity Too Large</h1></html>' };
    await end(aRunAt('a', 1));
    const writing = startWith(supabase.serviceRoleKey);
    await whilePassing(() => writing.standing().trouble !== undefined);
    supabase.gateway.answer = undefined;
    expect(writing.standing().trouble?.message).toContain(
      'HTTP 413: a row is larger than the project accepts',
    );
  });
});
