// Reading with a million recorded runs against reading with a thousand: the local history, and the team's record. Both answer the
// same question with the same rows; the others are older, or of other jobs.
import { join } from 'node:path';
import { SqliteStore } from '../src/stores/sqlite/sqlite-store.ts';
import { aChange, aRunAt } from '../test/support/builders.ts';
import { Supabase } from '../test/support/stores/supabase.ts';
import { callMs, newHome, settingsOf, type LshHome } from './lsh-process.ts';
import { median, type Row } from './row.ts';

const FEW = 1_000;
const MANY = 1_000_000;
const ROUNDS = 15;

export async function readRows(): Promise<Row[]> {
  const homes = await Promise.all([FEW, MANY].map(homeWith));
  for (const home of homes) home.lsh('daemon', 'start');
  const local = await ratioRow('lsh cron history NAME', homes, ['cron', 'history', 'a']);
  for (const home of homes) home.dispose();
  return [local, ...(await remoteRows())];
}

async function remoteRows(): Promise<Row[]> {
  const projects = [await projectWith(FEW), await projectWith(MANY)];
  const homes = projects.map((project) => newHome(settingsOf(project)));
  const questions = [
    ['cron', 'history', '--remote'],
    ['cron', 'history', 'job-7', '--remote'],
    ['cron', 'report', '--remote', '--since', '1d'],
  ];
  try {
    const rows: Row[] = [];
    for (const args of questions) rows.push(await ratioRow(`lsh ${args.join(' ')}`, homes, args));
    return rows;
  } finally {
    for (const home of homes) home.dispose();
    for (const project of projects) await project.stop();
  }
}

/** The homes take turns. */
async function ratioRow(name: string, homes: LshHome[], args: string[]): Promise<Row> {
  const times = homes.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [index, home] of homes.entries()) times[index]!.push(await callMs(home, ...args));
  const [few, many] = times.map(median) as [number, number];
  return {
    name: `${name}, a million runs`,
    value: many / few,
    unit: 'x with a thousand',
    peers: [
      { name: 'a million (ms)', value: many },
      { name: 'a thousand (ms)', value: few },
    ],
    budget: '<= 1.5x',
    ok: many / few <= 1.5,
  };
}

/** A home whose database has so many runs, of the job `a` and 999 others. */
async function homeWith(count: number): Promise<LshHome> {
  const home = newHome();
  home.lsh('daemon', 'start');
  home.lsh('cron', 'add', '--name', 'a', '--schedule', '@yearly', '--command', 'true');
  home.lsh('daemon', 'stop');
  const store = SqliteStore.open(join(home.env['XDG_STATE_HOME']!, 'lsh/lsh.db'));
  const now = Math.floor(Date.now() / 1000) * 1000;
  for (let from = 0; from < count; from += 1000)
    await store.commit(
      'local/a',
      aChange({
        runs: Array.from({ length: 1000 }, (_, index) => {
          const name = index === 0 ? 'a' : `j${index}`;
          const at = now - (from + index) * 1000;
          return aRunAt(name, from, { createdAt: at, slot: at, startedAt: at, finishedAt: at + 5 });
        }),
      }),
    );
  store.close();
  return home;
}

/** A project with so many runs of 100 jobs at 10 machines; the newest thousand are of the last hours, the others a day older. */
async function projectWith(count: number): Promise<Supabase> {
  const project = await Supabase.start();
  await project.sql(`insert into lsh_origins (team, id, kind, name, version)
    select 'default', 'origin-' || n, 'Host', 'host-' || n, '1' from generate_series(0, 9) n`);
  await project.sql(
    `insert into lsh_runs (origin, job_uid, name, namespace, job, trigger, slot, attempt, executor, phase, exit_code,
      created_at, start_after, started_at, finished_at, output_tail)
    select 'origin-' || n % 10, 'uid-' || n % 100, 'run-' || n, 'local', 'job-' || n % 100, 'Schedule', at, 1, 'Shell',
      'Completed', 0, at, at, at, at + interval '1 second', repeat('x', 200)
    from generate_series(1, $1::int) n,
      lateral (select now() - n * interval '10 seconds' - case when n > ${FEW} then interval '1 day' else '0' end as at) t`,
    [count],
  );
  await project.sql('vacuum analyze lsh_runs');
  return project;
}
