// The migrations over the protocol of Postgres, on a real one; and what its failures say.
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LshError } from '../../../src/core/errors.ts';
import { databaseError } from '../../../src/stores/supabase/database-errors.ts';
import { MIGRATIONS, migrationsAfter, NEWEST_VERSION } from '../../../src/stores/supabase/migrations.ts';
import { connectionOf, ProjectDatabase } from '../../../src/stores/supabase/project-database.ts';
import { NO_SUPABASE, Supabase } from '../../support/stores/supabase.ts';

describe.skipIf(NO_SUPABASE)('an empty project', () => {
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start(0);
  });
  afterAll(() => supabase?.stop());

  test('gets each migration once from two processes at the same time, and says its version after each', async () => {
    const both = await Promise.all([1, 2].map(() => ProjectDatabase.connect(supabase.databaseUrl)));
    const [database] = both;
    expect(await database!.version()).toBeUndefined();
    expect(migrationsAfter(undefined)).toEqual(MIGRATIONS);
    for (const migration of MIGRATIONS) {
      const applied = await Promise.all(both.map((each) => each.apply(migration)));
      expect(applied.filter(Boolean)).toHaveLength(1);
      expect(await database!.version()).toBe(migration.version);
    }
    expect(migrationsAfter(NEWEST_VERSION)).toEqual([]);
    await Promise.all(both.map((each) => each.close()));
  });

  test('takes all of a migration or nothing', async () => {
    const database = await ProjectDatabase.connect(supabase.databaseUrl);
    const version = '99990101000000';
    const sql = 'create table half (a int); select 1/0';
    await expect(database.apply({ version, name: 'broken', sql })).rejects.toMatchObject({
      code: 'DATABASE_REFUSED',
      message: expect.stringContaining('division by zero (22012)'),
    });
    expect(await supabase.sql(`select to_regclass('half') as half`)).toEqual([{ half: null }]);
    expect(await database.version()).toBe(NEWEST_VERSION);
    await database.close();
  });

  test.each([
    [
      'a user that is not there',
      (url: string) => url.replace('user=postgres', 'user=eve'),
      'password of the database',
    ],
    ['a database that is not there', (url: string) => url.replace('/postgres?', '/other?'), 'it is postgres'],
    ['a server without encryption', (url: string) => `${url}&sslmode=require`, 'sslmode=disable'],
    [
      'the placeholder of the dashboard',
      () => 'postgresql://postgres:[YOUR-PASSWORD]@db.x.supabase.co/postgres',
      'Connect',
    ],
    [
      'a password that is no part of a URL',
      () => 'postgresql://postgres:a#b@db.x.supabase.co:5432/postgres',
      'Connect',
    ],
  ])('%s is refused with the next step', async (_, changed, hint) => {
    const error = await ProjectDatabase.connect(changed(supabase.databaseUrl)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'DATABASE_REFUSED', hint: expect.stringContaining(hint) });
    expect(JSON.stringify([error, String(error)])).not.toContain('a#b');
  });

  test('a user who does not own the tables is refused with the next step', async () => {
    await supabase.sql('create role reader login');
    const database = await ProjectDatabase.connect(
      supabase.databaseUrl.replace('user=postgres', 'user=reader'),
    );
    const [first] = MIGRATIONS;
    const error = await database
      .apply({ ...first!, version: '99990101000000' })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'DATABASE_REFUSED', hint: expect.stringContaining('as the owner') });
    await database.close();
  });

  test('a server that is away can be reached later', async () => {
    const error = await ProjectDatabase.connect('postgresql://postgres@127.0.0.1:9/postgres').catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      code: 'DATABASE_UNREACHABLE',
      fields: { host: '127.0.0.1:9' },
      retryable: true,
    });
  });
});

describe('a connection', () => {
  const ssl = (url: string): unknown => Object(new Client(connectionOf(url).config)).ssl as unknown;

  test.each([
    ['postgresql://u:p@db.x.supabase.co:5432/postgres', { rejectUnauthorized: false }],
    ['postgres://u:p@[2001:db8::1]/postgres', { rejectUnauthorized: false }],
    ['postgresql:///postgres?host=db.x.supabase.co&user=u', { rejectUnauthorized: false }],
    ['postgresql://u:p@db.x.supabase.co/postgres?sslmode=verify-full', {}],
    ['postgresql://u:p@db.x.supabase.co/postgres?sslmode=disable', false],
    ['postgresql://u:p@localhost/postgres', false],
    ['postgresql://u:p@127.0.0.1/postgres', false],
    ['postgresql:///postgres?host=/run/postgresql&user=u', false],
  ])('to %s is encrypted as it says, and to another machine always', (url, expected) => {
    expect(ssl(url)).toEqual(expected);
  });

  test('is named without user and password', () => {
    expect(connectionOf('postgresql://ada:hush@db.x.supabase.co:6543/postgres').host).toBe(
      'db.x.supabase.co:6543',
    );
  });
});

test.each([
  [{ code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND db' }, 'DATABASE_UNREACHABLE', 'session pooler'],
  [
    new AggregateError([Object.assign(new Error('connect ENETUNREACH ::1'), { code: 'ENETUNREACH' })]),
    'DATABASE_UNREACHABLE',
    'session pooler',
  ],
  [{ code: 'XX000', message: 'Tenant or user not found' }, 'DATABASE_REFUSED', 'postgres.PROJECT'],
  [{ code: 'SELF_SIGNED_CERT_IN_CHAIN', message: 'self-signed' }, 'DATABASE_REFUSED', 'sslrootcert'],
  [{ code: '57P03', message: 'the database system is starting up' }, 'DATABASE_UNREACHABLE', 'not paused'],
  [{ code: '53300', message: 'too many connections' }, 'DATABASE_UNREACHABLE', 'not paused'],
  [{ message: 'timeout expired' }, 'DATABASE_UNREACHABLE', 'not paused'],
])('%o becomes %s with the next step', (thrown, code, hint) => {
  const error = databaseError(thrown, 'db');
  expect(error).toBeInstanceOf(LshError);
  expect(error).toMatchObject({ code, hint: expect.stringContaining(hint) });
});
