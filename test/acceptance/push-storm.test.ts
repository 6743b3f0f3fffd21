// Ten machines push at once: one store, ten `lsh push` processes, one chain of versions in which nothing is lost.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateKey } from '../../src/secrets/envelope/age-file.ts';
import { lsh, lshOk } from '../support/daemon/cli.ts';
import { aHome, type TestHome } from '../support/daemon/daemon.ts';
import { NO_SUPABASE, Supabase } from '../support/stores/supabase.ts';

const WRITERS = Array.from({ length: 10 }, (_, writer) => writer);
const FIRST = 'SHARED=1\n';

interface VersionLine {
  version: number;
  hash: string;
  parents: string[];
}

/** One project, one key, and ten writers. */
interface Team {
  home: TestHome;
  /** The directory of each writer, with a file that follows version 1. */
  places: { home: TestHome; cwd: string }[];
}

/** Pushes version 1, and pulls it into the directory of each writer, in one home or in a home of its own. */
async function aTeam(env: Record<string, string>, sharesHome: boolean): Promise<Team> {
  const own = { LSH_PROJECT: 'github.com/acme/app', ...env };
  const home = aHome(own);
  const at = (base: TestHome, name: string) => {
    const cwd = join(base.env['HOME']!, name);
    mkdirSync(cwd);
    return { home: base, cwd };
  };
  const first = at(home, 'first');
  writeFileSync(join(first.cwd, '.env'), FIRST);
  await lshOk(home, ['push', '--env', 'prod'], { cwd: first.cwd });
  const places = WRITERS.map((writer) => at(sharesHome ? home : aHome(own), `writer-${writer}`));
  for (const place of places)
    await lshOk(place.home, ['pull', '--env', 'prod', '--file', '.env'], { cwd: place.cwd });
  return { home, places };
}

/** Each writer adds a variable of its own; all push at the same moment. */
async function storm({ places }: Team, ...flags: string[]) {
  for (const [writer, { cwd }] of places.entries())
    writeFileSync(join(cwd, '.env'), `${FIRST}WRITER_${writer}=${writer}\n`);
  return Promise.all(
    places.map(({ home, cwd }) => lsh(home, ['push', '--env', 'prod', ...flags, '-o', 'json'], { cwd })),
  );
}

/** The versions, oldest first. Each follows the one before it: one chain. */
async function chainOf({ home, places }: Team): Promise<VersionLine[]> {
  const listed = await lshOk(home, ['secrets', 'history', '--env', 'prod', '-o', 'json'], {
    cwd: places[0]!.cwd,
  });
  const versions = (JSON.parse(listed) as VersionLine[]).toReversed();
  expect(versions.map(({ version }) => version)).toEqual(versions.map((_, index) => index + 1));
  expect(versions.slice(1).map(({ parents }) => parents)).toEqual(
    versions.slice(0, -1).map(({ hash }) => [hash]),
  );
  return versions;
}

async function namesIn({ home, places }: Team): Promise<string[]> {
  const listed = await lshOk(home, ['secrets', 'export', '--env', 'prod', '--format', 'json'], {
    cwd: places[0]!.cwd,
  });
  return Object.keys(JSON.parse(listed) as object).toSorted();
}

/** The same for each store. */
function holds(aStore: () => Promise<Team>): void {
  test('with --merge, each push becomes a version, and every variable is in the last', async () => {
    const team = await aStore();
    const ended = await storm(team, '--merge');
    expect(ended.map(({ status, stderr }) => (status === 0 ? 0 : stderr))).toEqual(WRITERS.map(() => 0));
    const versions = await chainOf(team);
    expect(versions).toHaveLength(1 + WRITERS.length);
    const stored = ended.map(({ stdout }) => (JSON.parse(stdout) as { hash: string }).hash);
    expect(stored.toSorted()).toEqual(
      versions
        .slice(1)
        .map(({ hash }) => hash)
        .toSorted(),
    );
    expect(await namesIn(team)).toEqual(['SHARED', ...WRITERS.map((writer) => `WRITER_${writer}`)]);
  });

  test('without it, the first push wins, and the others are told', async () => {
    const team = await aStore();
    const ended = await storm(team);
    const won = ended.flatMap(({ status }, writer) => (status === 0 ? [writer] : []));
    expect(won).toHaveLength(1);
    const told = ended
      .filter(({ status }) => status !== 0)
      .map(({ stderr }) => /\[(\w+)\]\n$/.exec(stderr)?.[1]);
    expect(told).toEqual(WRITERS.slice(1).map(() => 'SECRETS_MOVED'));
    expect(await chainOf(team)).toHaveLength(2);
    expect(await namesIn(team)).toEqual(['SHARED', `WRITER_${won[0]}`]);
  });
}

describe('a storm of pushes to the files of one user', () => holds(() => aTeam({}, true)));

describe.skipIf(NO_SUPABASE)('a storm of pushes to a Supabase project', () => {
  let supabase: Supabase;
  beforeAll(async () => {
    supabase = await Supabase.start();
  });
  afterAll(() => supabase?.stop());

  holds(async () => {
    await supabase.clear();
    return aTeam(
      {
        SUPABASE_URL: supabase.url,
        SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey,
        LSH_SECRETS_KEY: (await generateKey('classic')).identity,
      },
      false,
    );
  });
});
