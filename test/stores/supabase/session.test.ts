// The session of a member in its file, against a real PostgREST, which reads the tokens.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Member } from '../../../src/stores/supabase/session/member.ts';
import { SessionFile, type Session } from '../../../src/stores/supabase/session/session-file.ts';
import { NO_SUPABASE, Supabase } from '../../support/stores/supabase.ts';
import { tempDir } from '../../support/temp-dir.ts';

const EMAIL = 'ada@example.com';
const PASSWORD = 'correct horse battery staple';

describe.skipIf(NO_SUPABASE)('a member', () => {
  let supabase: Supabase;
  let now: number;
  let file: SessionFile;
  let member: Member;

  beforeAll(async () => {
    supabase = await Supabase.start();
    const userId = supabase.signIn.add(EMAIL, PASSWORD);
    await supabase.sql(`insert into lsh_members (team, user_id) values ('default', '${userId}')`);
  });
  afterAll(() => supabase?.stop());
  beforeEach(() => {
    now = Date.now();
    file = new SessionFile(join(tempDir(), 'lsh'), supabase.url);
    member = memberOf({});
  });
  afterEach(() => {
    supabase.signIn.failure = undefined;
    supabase.signIn.pause = undefined;
    supabase.signIn.requests.length = 0;
  });

  const memberOf = (options: { url?: string; anonKey?: string }) =>
    new Member({ url: supabase.url, anonKey: supabase.anonKey, file, now: () => now, ...options });
  const signIn = () => member.signIn(EMAIL, PASSWORD);
  const change = (part: Partial<Session>) => file.write({ ...file.read()!, ...part });

  describe('who signs in', () => {
    test.each([
      ['of another project', () => supabase.foreignToken({ sub: 'ada' }), 'does not accept the token'],
      ['that has expired', () => supabase.token('authenticated', { sub: 'a', exp: 1 }), 'has expired'],
      ['that the server does not know', () => 'abcdefghijkl', 'refresh_token_not_found'],
      ['that is the key of the service role', () => supabase.serviceRoleKey, 'refresh_token_not_found'],
    ])('with a token %s is refused, and nothing of it is kept', async (_, token, detail) => {
      await expect(member.signInWithToken(token())).rejects.toMatchObject({
        message: expect.stringContaining(detail),
        hint: 'Sign in again: `lsh supabase login`.',
      });
      await expect(member.signInWithToken(token())).rejects.not.toThrow(token());
      expect(existsSync(file.path)).toBe(false);
    });

    test.each([
      [
        429,
        { code: 'over_request_rate_limit', message: 'Rate limit reached' },
        'Rate limit',
        'project is not paused',
      ],
      [
        400,
        { code: 'email_not_confirmed', message: 'Email not confirmed' },
        'not confirmed',
        'Open the link',
      ],
      [422, { code: 'email_provider_disabled', message: 'Disabled' }, 'Disabled', 'login --token'],
      [400, { code: 400, error_code: 'invalid_credentials', msg: 'Invalid' }, 'Invalid', 'Check e-mail'],
      [500, { code: 'unexpected_failure', message: 'It broke' }, 'It broke', ''],
      [540, '', 'the project is paused', 'Restore the project'],
      [200, '<html>Sign in to the network</html>', 'does not come from Supabase', 'proxy'],
      [502, '<html><h1>Bad gateway</h1></html>', 'a web page in place of an answer', 'proxy'],
    ])(
      'where the project answers HTTP %d with %o learns the next step',
      async (status, body, message, hint) => {
        supabase.signIn.failure = { status, body: typeof body === 'string' ? body : JSON.stringify(body) };
        await expect(signIn()).rejects.toMatchObject({
          message: expect.stringContaining(message),
          hint: expect.stringContaining(hint),
        });
        expect(supabase.signIn.requests).toHaveLength(1);
      },
    );

    test('with the key of another project learns which key is wrong', async () => {
      await expect(
        memberOf({ anonKey: 'sb_publishable_other' }).signIn(EMAIL, PASSWORD),
      ).rejects.toMatchObject({
        code: 'SUPABASE_SIGN_IN_REFUSED',
        hint: expect.stringContaining('Set SUPABASE_ANON_KEY'),
      });
    });

    test('where the project is away learns that', async () => {
      await supabase.gateway.away();
      const error: unknown = await signIn().catch((thrown: unknown) => thrown);
      await supabase.gateway.back();
      expect(error).toMatchObject({
        code: 'HISTORY_UNAVAILABLE',
        message: expect.stringContaining('cannot be reached'),
      });
    });
  });

  describe('whose token has ended', () => {
    beforeEach(async () => {
      await signIn();
      change({ expiresAt: now });
    });

    test('asks for one new token, however many requests need it', async () => {
      supabase.signIn.requests.length = 0;
      await Promise.all([member.teams(), memberOf({}).teams(), memberOf({}).teams()]);
      expect(supabase.signIn.requests).toEqual(['/token?grant_type=refresh_token']);
    });

    test('keeps the session while the sign-in is away, and asks once', async () => {
      const before = file.read();
      supabase.signIn.requests.length = 0;
      supabase.signIn.failure = { status: 503, body: '{"message":"down"}' };
      await expect(member.teams()).rejects.toThrow('HTTP 503: down');
      expect(supabase.signIn.requests).toHaveLength(1);
      expect(file.read()).toEqual(before);
      supabase.signIn.failure = undefined;
      expect(await member.teams()).toEqual(['default']);
    });

    test('reads on while the sign-in is away if the token lasts a moment more', async () => {
      change({ expiresAt: now + 30_000 });
      supabase.signIn.failure = { status: 503, body: '' };
      expect(await member.teams()).toEqual(['default']);
    });

    test('goes on with the token before the last: the answer with the last may have been lost', async () => {
      const before = file.read()!;
      await member.teams();
      file.write(before);
      expect(await member.teams()).toEqual(['default']);
    });

    test('has to sign in again once a refresh token came too late', async () => {
      const before = file.read()!;
      await member.teams();
      change({ expiresAt: now });
      await member.teams();
      file.write(before);
      await expect(member.teams()).rejects.toMatchObject({
        code: 'SUPABASE_SESSION_ENDED',
        message: expect.stringContaining('refresh_token_already_used'),
      });
    });

    test('is not signed in again by a refresh that a sign-out overtakes', async () => {
      let go = () => {};
      supabase.signIn.pause = new Promise((resolve) => (go = resolve));
      const teams = member.teams();
      const out = member.signOut();
      go();
      await Promise.allSettled([teams, out]);
      expect(file.read()).toBeUndefined();
    });
  });

  test('whose clock is an hour wrong still has a token that lasts', async () => {
    now += 3_600_000;
    await signIn();
    supabase.signIn.requests.length = 0;
    expect(await member.teams()).toEqual(['default']);
    expect(supabase.signIn.requests).toEqual([]);
  });

  test('is refused by a token from a clock that is five minutes ahead, with the reason', async () => {
    const iat = Math.floor(Date.now() / 1000) + 300;
    const token = supabase.token('authenticated', { sub: 'ada', iat, exp: iat + 3600 });
    await expect(member.signInWithToken(token)).rejects.toMatchObject({
      message: expect.stringMatching(/JWT ?Issued ?At ?Future/i),
      hint: expect.stringContaining('clock'),
    });
  });

  test.each([
    ['other users may read', (path: string) => chmodSync(path, 0o644), 'other users may read it'],
    ['holds something else', (path: string) => writeFileSync(path, '{}'), 'it does not hold a session'],
    ['is a piece of JSON', (path: string) => writeFileSync(path, '{"url":'), 'it does not hold a session'],
  ])('has no session in a file that %s', async (_, spoil, detail) => {
    await signIn();
    spoil(file.path);
    expect(() => member.session()).toThrow(
      expect.objectContaining({ code: 'SUPABASE_SESSION_UNSAFE', message: expect.stringContaining(detail) }),
    );
  });

  test('replaces the file as a whole', async () => {
    await signIn();
    writeFileSync(`${file.path}.new`, 'left by a process that died', { mode: 0o644 });
    await signIn();
    expect(JSON.parse(readFileSync(file.path, 'utf8'))).toMatchObject({ email: EMAIL });
    expect(existsSync(`${file.path}.new`)).toBe(false);
  });
});
