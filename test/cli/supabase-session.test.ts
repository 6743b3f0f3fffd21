// `lsh supabase login`, `logout` and `whoami`, against a real Postgres and a real PostgREST, which read the tokens.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Session } from '../../src/stores/supabase/session/session-file.ts';
import { BUNDLE } from '../support/daemon/bundle.ts';
import { aStartedHome, bash, lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, type TestHome } from '../support/daemon/daemon.ts';
import { onTerminal } from '../support/daemon/terminal.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';

const EMAIL = 'ada@example.com';
const PASSWORD = 'correct horse battery staple';

describe.skipIf(NO_SUPABASE)('the session of a member', () => {
  let supabase: Supabase;
  let userId: string;

  beforeAll(async () => {
    supabase = await Supabase.start();
    userId = supabase.signIn.add(EMAIL, PASSWORD);
  });
  afterAll(() => supabase?.stop());
  beforeEach(async () => {
    await supabase.clear();
    await joinTeams('default');
  });
  afterEach(async () => {
    supabase.signIn.lifetimeSeconds = 3600;
    supabase.signIn.reused = 0;
    supabase.gateway.answer = undefined;
    supabase.signIn.failure = undefined;
    await supabase.gateway.back();
  });

  async function joinTeams(...teams: string[]): Promise<void> {
    await supabase.sql('delete from lsh_members');
    for (const team of teams) {
      await supabase.sql('insert into lsh_teams (name) values ($1) on conflict do nothing', [team]);
      await supabase.sql('insert into lsh_members (team, user_id) values ($1, $2)', [team, userId]);
    }
  }

  const aMember = (env: Record<string, string> = {}): TestHome =>
    aHome({ SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: supabase.anonKey, ...env });
  const login = (home: TestHome, ...more: string[]) =>
    lsh(home, ['supabase', 'login', '--email', EMAIL, ...more], { stdin: `${PASSWORD}\n` });
  const whoami = (home: TestHome) => lsh(home, ['supabase', 'whoami']);

  async function aSession(env: Record<string, string> = {}): Promise<TestHome> {
    const home = aMember(env);
    expect(await login(home)).toMatchObject({ status: 0 });
    return home;
  }

  function sessionPath({ env }: TestHome): string {
    return join(env['HOME']!, '.config/lsh', `session-127.0.0.1_${new URL(supabase.url).port}.json`);
  }
  const sessionOf = (home: TestHome) => JSON.parse(readFileSync(sessionPath(home), 'utf8')) as Session;
  const change = (home: TestHome, part: Partial<Session>) =>
    writeFileSync(sessionPath(home), JSON.stringify({ ...sessionOf(home), ...part }));
  /** As if the access token had ended; the refresh token goes on. */
  const age = (home: TestHome) => change(home, { expiresAt: Date.now() - 1000 });

  describe('login', () => {
    test('takes the password from stdin, and says who signed in', async () => {
      const home = aMember();
      const { status, stdout, stderr } = await login(home);
      expect({ status, stdout, stderr }).toEqual({
        status: 0,
        stdout: `signed in to ${supabase.url} as ${EMAIL}, team default\n`,
        stderr: '',
      });
      expect((await whoami(home)).stdout).toMatch(
        new RegExp(
          `^Member: {2}${EMAIL} \\(${userId}\\)\nProject: ${supabase.url}\nTeam: {4}default\nSession: renews itself\n$`,
        ),
      );
    });

    test('keeps the session from other users, with no umask at all', async () => {
      const home = aMember();
      const call = `umask 000 && printf %s "$1" | "$2" "$3" supabase login --email "$4"`;
      const { status } = await bash(home, call, [PASSWORD, process.execPath, BUNDLE, EMAIL]);
      expect(status).toBe(0);
      const directory = dirname(sessionPath(home));
      expect(statSync(directory).mode & 0o777).toBe(0o700);
      for (const file of readdirSync(directory))
        expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
      expect(readFileSync(sessionPath(home), 'utf8')).not.toContain(PASSWORD);
    });

    test('asks on a terminal, and shows nothing of the password', async () => {
      const home = aMember();
      const terminal = onTerminal(home, ['supabase', 'login']);
      await terminal.shows('E-mail: ');
      terminal.type(`${EMAIL}\r`);
      await terminal.shows('Password: ');
      terminal.type(`${PASSWORD}x\u007F\r`);
      const { status, screen } = await terminal.ended();
      expect(status).toBe(0);
      expect(screen).toContain(`as ${EMAIL}, team default`);
      expect(screen).not.toContain(PASSWORD.slice(0, 7));
    });

    test('shows nothing of a password that is typed at the sight of the prompt', async () => {
      const home = aMember();
      // The program stands still once the screen has shown the prompt.
      const NODE_OPTIONS = `--import=${join(import.meta.dirname, '../fixtures/stand-still.mjs')}`;
      const terminal = onTerminal({ env: { ...home.env, NODE_OPTIONS } }, [
        'supabase',
        'login',
        '--email',
        EMAIL,
      ]);
      await terminal.shows('Password: ');
      terminal.type(`${PASSWORD}\r`);
      const { status, screen } = await terminal.ended();
      expect(status).toBe(0);
      expect(screen).not.toContain(PASSWORD.slice(0, 7));
    });

    test('needs --email without a terminal, and never takes a password as an argument', async () => {
      const nameless = await lsh(aMember(), ['supabase', 'login'], { stdin: PASSWORD });
      expect(nameless).toMatchObject({ status: 2, stderr: expect.stringContaining('--email') });
      const argument = await lsh(aMember(), ['supabase', 'login', '--password', PASSWORD]);
      expect(argument.status).toBe(2);
      const empty = await lsh(aMember(), ['supabase', 'login', '--email', EMAIL]);
      expect(empty).toMatchObject({ status: 2, stderr: expect.stringContaining('lsh needs a password') });
    });

    test('with a wrong password keeps the session before, and says what to check', async () => {
      const home = await aSession();
      const before = sessionOf(home);
      const { status, stderr } = await lsh(home, ['supabase', 'login', '--email', EMAIL], {
        stdin: 'wrong one',
      });
      expect(status).toBe(1);
      expect(stderr).toContain('HTTP 400 (invalid_credentials): Invalid login credentials');
      expect(stderr).toContain('hint: Check e-mail and password');
      expect(stderr).toContain('[SUPABASE_SIGN_IN_REFUSED]');
      expect(stderr).not.toContain('wrong one');
      expect(sessionOf(home)).toEqual(before);
    });

    test('takes an access token, which lasts to its end', async () => {
      const home = aMember();
      const token = supabase.token('authenticated', {
        sub: userId,
        exp: Math.floor(Date.now() / 1000) + 600,
      });
      expect(await lsh(home, ['supabase', 'login', '--token'], { stdin: token })).toMatchObject({
        status: 0,
      });
      expect((await whoami(home)).stdout).toMatch(/Session: expires in (10|9) min/);
      age(home);
      const { status, stderr } = await whoami(home);
      expect(status).toBe(1);
      expect(stderr).toContain('has ended: the token that was pasted has expired');
      expect(stderr).toContain('`lsh supabase login`');
    });

    test('takes a refresh token, and goes on with the next', async () => {
      const other = await aSession();
      const home = aMember();
      const { refreshToken = '' } = sessionOf(other);
      expect(await lsh(home, ['supabase', 'login', '--token'], { stdin: refreshToken })).toMatchObject({
        status: 0,
      });
      expect(sessionOf(home).refreshToken).not.toBe(refreshToken);
      expect((await whoami(home)).stdout).toContain(EMAIL);
    });

    test('says how a member without a team gets one', async () => {
      await joinTeams();
      const { status, stdout, stderr } = await login(aMember());
      expect({ status, stdout }).toEqual({ status: 0, stdout: `signed in to ${supabase.url} as ${EMAIL}\n` });
      expect(stderr).toContain(`insert into lsh_members (team, user_id) values ('default', '${userId}');`);
    });

    test('of a member of several teams chooses one; LSH_TEAM chooses another', async () => {
      await joinTeams('red', 'blue');
      const home = aMember();
      expect((await login(home)).stderr).toContain('you are in the teams blue, red');
      expect((await whoami(home)).stdout).toContain('Team:    blue; also in red\n');
      expect((await login(home, '--team', 'red')).stdout).toContain(', team red\n');
      expect((await whoami(home)).stdout).toContain('Team:    red; also in blue\n');
      const blue = await lsh(home, ['supabase', 'whoami', '-o', 'json'], { env: { LSH_TEAM: 'blue' } });
      expect(JSON.parse(blue.stdout)).toMatchObject({ team: 'blue', teams: ['blue', 'red'], userId });
      const green = await login(home, '--team', 'green');
      expect(green).toMatchObject({ status: 1, stderr: expect.stringContaining('your teams are blue, red') });
    });

    test.each([
      [{ SUPABASE_URL: '' }, 'SUPABASE_URL is not set'],
      [{ SUPABASE_ANON_KEY: '' }, 'SUPABASE_ANON_KEY is not set'],
      [{ SUPABASE_URL: '', SUPABASE_ANON_KEY: '' }, 'SUPABASE_URL and SUPABASE_ANON_KEY are not set'],
    ])('with %o names what is missing, before it asks for a password', async (env, message) => {
      const { status, stderr } = await lsh(aMember(env), ['supabase', 'login', '--email', EMAIL]);
      expect(status).toBe(1);
      expect(stderr).toContain(message);
    });
  });

  describe('a token that has ended', () => {
    test('is replaced once by four processes that need it at the same time', async () => {
      const home = await aSession();
      const before = sessionOf(home);
      age(home);
      supabase.signIn.requests.length = 0;
      const answers = await Promise.all([whoami(home), whoami(home), whoami(home), whoami(home)]);
      for (const { status, stderr } of answers) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(supabase.signIn.requests).toEqual(['/token?grant_type=refresh_token']);
      expect(sessionOf(home).refreshToken).not.toBe(before.refreshToken);
    });

    test('is replaced by each of four processes when no token lasts', async () => {
      supabase.signIn.lifetimeSeconds = 1;
      const home = await aSession();
      const answers = await Promise.all([whoami(home), whoami(home), whoami(home), whoami(home)]);
      for (const { status, stderr } of answers) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(supabase.signIn.reused).toBe(0);
    });

    test('ends the session when the project does not replace it', async () => {
      const home = await aSession();
      age(home);
      supabase.signIn.endAll();
      const { status, stderr } = await whoami(home);
      expect(status).toBe(1);
      expect(stderr).toContain('has ended: HTTP 400 (refresh_token_not_found)');
      expect(stderr).toContain('hint: Sign in again: `lsh supabase login`.');
      expect(stderr).toContain('[SUPABASE_SESSION_ENDED]');
    });
  });

  describe('the session file', () => {
    test('lies where XDG_CONFIG_HOME says', async () => {
      const home = aMember();
      const config = join(home.env['HOME']!, 'elsewhere');
      mkdirSync(config);
      home.env['XDG_CONFIG_HOME'] = config;
      await login(home);
      expect(readdirSync(join(config, 'lsh'))).toHaveLength(2);
    });
  });

  describe('logout', () => {
    test('forgets the session, and ends it at the project', async () => {
      const home = await aSession();
      const sessions = supabase.signIn.sessions;
      expect(await lshOk(home, ['supabase', 'logout'])).toBe(`signed out of ${supabase.url}\n`);
      expect(supabase.signIn.sessions).toBe(sessions - 1);
      expect(existsSync(sessionPath(home))).toBe(false);
      const again = await lsh(home, ['supabase', 'logout']);
      expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('[SUPABASE_SIGNED_OUT]') });
    });

    test('forgets the session of a project that is away, and says that it goes on there', async () => {
      const home = await aSession();
      await supabase.gateway.away();
      const { status, stdout, stderr } = await lsh(home, ['supabase', 'logout']);
      expect({ status, stdout }).toEqual({ status: 0, stdout: `signed out of ${supabase.url}\n` });
      expect(stderr).toContain('The session there goes on until it ends by itself.');
      expect(existsSync(sessionPath(home))).toBe(false);
    });
  });

  describe('with the URL and the public key alone', () => {
    test('reading says that a sign-in is missing', async () => {
      const { status, stderr } = await lsh(aMember(), ['supabase', 'status']);
      expect(status).toBe(1);
      expect(stderr).toContain('You are not signed in');
      expect(stderr).toContain('`lsh supabase login`, or set SUPABASE_SERVICE_ROLE_KEY');
    });

    test.each([
      ['no session', async () => aMember()],
      ['the session of a member', async () => aSession()],
    ])('and %s, the daemon works, records nothing, and says which key is missing', async (_, home) => {
      const { env } = await aStartedHome(await home());
      await lshOk({ env }, [
        'cron',
        'add',
        '--name',
        'hello',
        '--schedule',
        '@yearly',
        '--command',
        'echo hi',
      ]);
      await lshOk({ env }, ['cron', 'trigger', 'hello', '--wait']);
      const status = await lshOk({ env }, ['daemon', 'status']);
      expect(status).toContain('SUPABASE_SERVICE_ROLE_KEY is required');
      expect(status).toContain('neither SUPABASE_ANON_KEY nor a member who has signed in may write');
      const log = await lshOk({ env }, ['daemon', 'logs']);
      expect(log.split('SUPABASE_SERVICE_ROLE_KEY is required')).toHaveLength(2);
      expect(await supabase.sql('select * from lsh_runs')).toEqual([]);
    });
  });

  test('status as a member says that a member reads alone', async () => {
    const home = await aSession();
    const stdout = await lshOk(home, ['supabase', 'status']);
    expect(stdout).toContain(`Key:     role authenticated, ${EMAIL}, expires in`);
    expect(stdout).toContain('Rights:  reads only, as every member\n');
  });
});
