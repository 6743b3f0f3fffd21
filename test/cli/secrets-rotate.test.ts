// `lsh secrets rotate` by the built program, against a provider of tokens that is a directory: a token works while its file
// is there.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredVersion } from '../../src/contracts/secret-store.ts';
import { EnvFile } from '../../src/secrets/env-file/env-file.ts';
import { open } from '../../src/secrets/envelope/envelope.ts';
import { identitiesOf } from '../../src/secrets/local/keys.ts';
import { BUNDLE } from '../support/daemon/bundle.ts';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, type Ended, type TestHome } from '../support/daemon/daemon.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';

const OLD = 'token-number-zero';
const REF = { project: 'github.com/acme/app', environment: 'prod' };
const REMOTE = '[remote "origin"]\n\turl = git@github.com:Acme/App.git\n';

const GENERATE =
  'n=$(ls made | wc -l); t=token-number-$n; touch made/$t live/$t; echo $t; echo made $t for $OTHER >&2';
const VERIFY = 'echo checking $TOKEN, was $TOKEN_PREVIOUS; test -e live/$TOKEN';
const RETIRE = 'test $TOKEN != $TOKEN_PREVIOUS && rm -f live/$TOKEN_PREVIOUS';
/** Calls lsh from a script. */
const LSH = `'${process.execPath}' '${BUNDLE}'`;

interface Place {
  home: TestHome;
  /** A project whose environment prod has OLD as its TOKEN. */
  cwd: string;
}

async function aPlace(env: Record<string, string> = {}, init: string[] = []): Promise<Place> {
  const home = aHome(env);
  const cwd = join(home.env['HOME']!, 'app');
  for (const directory of ['.git', 'made', 'live']) mkdirSync(join(cwd, directory), { recursive: true });
  writeFileSync(join(cwd, '.git/config'), REMOTE);
  writeFileSync(join(cwd, '.gitignore'), '.env\n.env.*\n');
  writeFileSync(join(cwd, '.env'), `# from the provider\nTOKEN=${OLD}\nOTHER=1\n`);
  for (const directory of ['made', 'live']) writeFileSync(join(cwd, directory, OLD), '');
  if (init.length > 0) await lshOk(home, ['init', ...init], { cwd });
  await lshOk(home, ['push', '--env', 'prod'], { cwd });
  return { home, cwd };
}

const call = ({ home, cwd }: Place, ...args: string[]) =>
  lshOk(home, ['secrets', ...args, '--env', 'prod'], { cwd });
const set = ({ home, cwd }: Place, key: string, value: string) =>
  lshOk(home, ['secrets', 'set', '--env', 'prod', key], { cwd, stdin: value });

function rotate({ home, cwd }: Place, flags: Record<string, string> = {}, env = {}): Promise<Ended> {
  const all = { generate: GENERATE, verify: VERIFY, retire: RETIRE, ...flags };
  const words = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  return lsh(home, ['secrets', 'rotate', 'TOKEN', '--env', 'prod', ...words], { cwd, env });
}

const valuesOf = async (place: Place) =>
  JSON.parse(await call(place, 'list', '--reveal', '-o', 'json')) as Record<string, string>;

/** The steps, oldest first. */
async function stepsOf(place: Place): Promise<string[]> {
  const entries = JSON.parse(await call(place, 'audit', '-n', '500', '-o', 'json')) as {
    action: string;
    detail: string;
  }[];
  return entries.flatMap(({ action, detail }) => (action === 'rotate' ? [detail] : [])).toReversed();
}

const live = ({ cwd }: Place) => readdirSync(join(cwd, 'live')).toSorted();
const containing = (text: string) => expect.stringContaining(text) as string;

/** Paths of files, outside the project, that hold the text. */
function filesWith({ home }: Place, text: string): string[] {
  return readdirSync(home.env['HOME']!, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text) && !path.endsWith('/app/.env'));
}

/** Puts the end of the overlap into the past, as if it had passed. */
async function passOverlap(place: Place): Promise<void> {
  const at = '2026-01-01T00:00:00.000Z';
  await set(place, 'TOKEN_ROTATION', `promoted ${at} until ${at.replace('T00', 'T01')}`);
}

function flows(what: string, aPlaceThere: () => Promise<Place>): void {
  describe(`lsh secrets rotate with ${what}`, () => {
    test('puts a verified value in place of the old one, retires that, and shows none', async () => {
      const place = await aPlaceThere();
      const inArguments = 'case "$(cat /proc/$PPID/cmdline /proc/$$/cmdline)" in *"$TOKEN"*) exit 9;; esac';
      const ended = await rotate(place, { verify: `${inArguments}; ${VERIFY}` });
      expect(ended).toMatchObject({ status: 0, stdout: containing('version 4 has a new value of TOKEN\n') });
      expect(ended.stderr).toBe('made *** for 1\nchecking ***, was ***\n');
      expect(ended.stdout).not.toContain('token-number');
      expect(await call(place, 'export')).toBe('TOKEN=token-number-1\nOTHER=1\n');
      expect(live(place)).toEqual(['token-number-1']);
      expect(await stepsOf(place)).toEqual(['generating', 'generated', 'verified', 'promoted', 'retired']);
      expect(filesWith(place, 'token-number')).toEqual([]);
    });

    test('rolls back what does not verify, and keeps what others changed meanwhile', async () => {
      const place = await aPlaceThere();
      const ended = await rotate(place, { verify: `echo 2 | ${LSH} secrets set --env prod OTHER; exit 3` });
      expect(ended).toMatchObject({ status: 1, stdout: '' });
      expect(ended.stderr).toContain('rolled back: the verify command failed: it ended with status 3.');
      expect(await valuesOf(place)).toEqual({ TOKEN: OLD, OTHER: '2' });
      expect(live(place)).toEqual([OLD]);
      expect(await stepsOf(place)).toEqual(['generating', 'generated', 'rejected', 'rolled back']);
    });

    test.each([
      [
        'the generate command',
        { generate: `echo theirs | ${LSH} secrets set --env prod TOKEN; ${GENERATE}` },
      ],
      ['the verify command', { verify: `echo theirs | ${LSH} secrets set --env prod TOKEN; ${VERIFY}` }],
    ])('overwrites no value that another writer stores during %s', async (_, flags) => {
      const place = await aPlaceThere();
      // The output of `secrets set` is no part of the value.
      const quiet = Object.fromEntries(
        Object.entries(flags).map(([name, script]) => [name, script.replace('TOKEN;', 'TOKEN >&2;')]),
      );
      const ended = await rotate(place, quiet);
      expect(ended).toMatchObject({ status: 1, stderr: containing('TOKEN was changed meanwhile') });
      expect(await valuesOf(place)).toEqual({ TOKEN: 'theirs', OTHER: '1' });
      // The value that nothing uses is retired. What the other writer replaced is that writer's to retire.
      expect(live(place)).toEqual([OLD]);
    });

    test('keeps the old value during the overlap; a later call retires it and begins again', async () => {
      const place = await aPlaceThere();
      const first = await rotate(place, { overlap: '24h' });
      expect(first).toMatchObject({
        status: 0,
        stdout: containing('TOKEN_PREVIOUS keeps the value before until'),
      });
      expect(await valuesOf(place)).toMatchObject({ TOKEN: 'token-number-1', TOKEN_PREVIOUS: OLD });
      expect(await rotate(place)).toMatchObject({ status: 0, stdout: containing('is not over') });
      expect(live(place)).toEqual(['token-number-1', OLD]);
      await passOverlap(place);
      const young = await rotate(place, { every: '90d', overlap: '24h' });
      expect(young).toMatchObject({ status: 0, stdout: containing('has no TOKEN_PREVIOUS any more') });
      expect(await valuesOf(place)).toEqual({ TOKEN: 'token-number-1', OTHER: '1' });
      expect(live(place)).toEqual(['token-number-1']);
      expect(await rotate(place, { every: '90d' })).toMatchObject({
        status: 0,
        stdout: containing('is not due'),
      });
      await rotate(place, { overlap: '24h' });
      await passOverlap(place);
      expect(await rotate(place, { every: '0s' })).toMatchObject({
        status: 0,
        stdout: containing('new value'),
      });
      expect(await valuesOf(place)).toEqual({ TOKEN: 'token-number-3', OTHER: '1' });
      expect(live(place)).toEqual(['token-number-3']);
    });
  });
}

flows('files of the user', () => aPlace());
flows('files of the project', () => aPlace({}, ['--in-repo']));

describe.skipIf(NO_SUPABASE)('a Supabase project', () => {
  let project: Supabase;
  let teams = 0;
  beforeAll(async () => {
    project = await Supabase.start();
  });
  afterAll(() => project.stop());

  flows('Supabase', async () => {
    const team = `team-${++teams}`;
    await project.sql('insert into lsh_teams (name) values ($1)', [team]);
    return aPlace({
      SUPABASE_URL: project.url,
      SUPABASE_SERVICE_ROLE_KEY: project.serviceRoleKey,
      LSH_TEAM: team,
    });
  });
});

describe('lsh secrets rotate', () => {
  test.each([
    ['fails', 'echo token-of-failure; exit 3', 'it ended with status 3'],
    ['prints the old value', 'echo $TOKEN', 'it printed the value that the variable has'],
  ])('stores nothing where the generate command %s', async (_, generate, detail) => {
    const place = await aPlace();
    const ended = await rotate(place, { generate });
    expect(ended).toMatchObject({ status: 1, stdout: '', stderr: containing(detail) });
    expect(ended.stderr).not.toContain('token-');
    expect(await valuesOf(place)).toEqual({ TOKEN: OLD, OTHER: '1' });
    expect(await stepsOf(place)).toEqual(['generating', 'generate failed']);
  });

  test('needs the variable, and takes no variable that another purpose has', async () => {
    const place = await aPlace();
    const missing = await lsh(
      place.home,
      ['secrets', 'rotate', 'TOKENS', '--env', 'prod', '--generate', 'a', '--verify', 'b'],
      { cwd: place.cwd },
    );
    expect(missing).toMatchObject({ status: 4, stderr: containing('has no variable TOKENS') });
    await set(place, 'TOKEN_NEXT', 'mine');
    expect(await rotate(place)).toMatchObject({
      status: 1,
      stderr: containing('there is a variable TOKEN_NEXT without TOKEN_ROTATION'),
    });
  });

  test('refuses a second call at once, on the same machine', async () => {
    const place = await aPlace();
    const second = `${LSH} secrets rotate TOKEN --env prod --generate 'echo x' --verify true; echo "status $?"`;
    const ended = await rotate(place, { verify: second });
    expect(ended).toMatchObject({ status: 0, stderr: containing('status 1') });
    expect(ended.stderr).toContain('[ROTATION_BUSY]');
    expect(await valuesOf(place)).toEqual({ TOKEN: 'token-number-1', OTHER: '1' });
  });

  test('a stop during a command rolls nothing back: the next call continues', async () => {
    const place = await aPlace();
    // lsh passes the signal on, which ends sleep.
    const ended = await rotate(place, { verify: 'kill -TERM $PPID; exec sleep 100' });
    expect(ended).toMatchObject({
      status: 1,
      stderr: containing('was stopped while its verify command ran'),
    });
    expect(await valuesOf(place)).toMatchObject({ TOKEN: OLD, TOKEN_NEXT: 'token-number-1' });
    expect(await rotate(place, { generate: 'exit 9' })).toMatchObject({ status: 0 });
    expect(await valuesOf(place)).toEqual({ TOKEN: 'token-number-1', OTHER: '1' });
  });

  test('retires no value that is in use again, and tries a failed retirement again', async () => {
    const place = await aPlace();
    expect(await rotate(place, { retire: 'exit 7' })).toMatchObject({
      status: 1,
      stderr: containing('it ended with status 7'),
    });
    expect(await valuesOf(place)).toMatchObject({ TOKEN: 'token-number-1', TOKEN_PREVIOUS: OLD });
    await set(place, 'TOKEN', OLD);
    const refused = await rotate(place);
    expect(refused).toMatchObject({
      status: 1,
      stderr: containing('TOKEN has the value that is to be retired'),
    });
    expect(refused.stderr).toContain('lsh secrets unset --env prod TOKEN_PREVIOUS TOKEN_ROTATION');
    expect(live(place)).toContain(OLD);
    await set(place, 'TOKEN', 'token-number-1');
    expect(await rotate(place)).toMatchObject({ status: 0 });
    expect(await valuesOf(place)).toEqual({ TOKEN: 'token-number-1', OTHER: '1' });
    expect(live(place)).toEqual(['token-number-1']);
  });
});

describe('kill -9 before any effect of lsh secrets rotate', () => {
  const KILL_AT = pathToFileURL(join(import.meta.dirname, '../fixtures/kill-at.ts')).href;

  /** The newest version, read without lsh’s command line. */
  async function newestOf({ home }: Place): Promise<ReadonlyMap<string, string>> {
    const { HOME = '' } = home.env;
    const directory = join(HOME, '.local/share/lsh/secrets/github.com+acme+app/prod');
    const stored = readdirSync(directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as StoredVersion);
    const newest = stored.reduce((a, b) => (b.version > a.version ? b : a));
    const keys = identitiesOf({ file: join(HOME, '.config/lsh/keys'), key: undefined });
    return new EnvFile((await open(REF, newest, keys)).text).values;
  }

  /** Another home with the same content. */
  function copyOf({ home }: Place): Place {
    const copy = aHome();
    cpSync(home.env['HOME']!, copy.env['HOME']!, { recursive: true });
    return { home: copy, cwd: join(copy.env['HOME']!, 'app') };
  }

  test.each([
    ['that succeeds', VERIFY, 0, ['token-number-1', 'token-number-2']],
    ['that is rolled back', 'exit 3', 1, [OLD]],
  ])('a rotation %s ends whole at the next call', async (_, verify, status, ends) => {
    const origin = await aPlace();
    const lost: number[] = [];
    for (let effect = 1; ; effect += 1) {
      const place = copyOf(origin);
      const first = await rotate(
        place,
        { verify },
        { NODE_OPTIONS: `--import=${KILL_AT}`, KILL_AT: `${effect}` },
      );
      if (first.signal !== 'SIGKILL') {
        expect(first.status).toBe(status);
        expect(effect).toBeGreaterThan(12);
        break;
      }
      expect(live(place)).toContain((await newestOf(place)).get('TOKEN'));
      const second = await rotate(place, { verify });
      const context = `killed before effect ${effect}: ${second.stderr}`;
      // A call that was killed behind its last step leaves the next one a rotation of its own.
      expect([second.status, second.signal], context).toEqual([status, null]);
      const values = await newestOf(place);
      expect([...values.keys()], context).toEqual(['TOKEN', 'OTHER']);
      expect(ends, context).toContain(values.get('TOKEN'));
      // What works beside the value in use was generated and never stored: the kill fell between the two.
      const unused = live(place).filter((token) => token !== values.get('TOKEN'));
      if (unused.length > 0) lost.push(effect);
      expect(unused.length, context).toBeLessThanOrEqual(1);
    }
    // From the start of the command, which lives on, to the version that holds its value.
    expect(lost.length).toBeLessThanOrEqual(2);
  });
});
