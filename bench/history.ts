// What the team's history costs: rows a second against the bare client, start and add with and without it, the start lag while
// the project is away, and the history of one job in a database of a million runs. A real Postgres and PostgREST answer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '@supabase/supabase-js';
import { systemClock } from '../src/control/clock.ts';
import { StoredOutbox } from '../src/control/history/stored-outbox.ts';
import { runEntry } from '../src/core/record/entry.ts';
import type { Run } from '../src/core/run.ts';
import { SqliteStore } from '../src/stores/sqlite/sqlite-store.ts';
import { runRow } from '../src/stores/supabase/rows.ts';
import { SupabaseHistory } from '../src/stores/supabase/supabase-history.ts';
import { aChange, aRunAt } from '../test/support/builders.ts';
import { AN_ORIGIN, NO_SUPABASE, Supabase, TAILS } from '../test/support/stores/supabase.ts';
import { newHome, type LshHome } from './lsh-process.ts';
import { median, percentile, type Row } from './row.ts';

const SYNC_RUNS = 10_000;
const SYNC_ROUNDS = 5;
/** The best batch of the bare client. */
const BARE_BATCH = 500;
const START_ROUNDS = 15;
const LAG_JOBS = 30;
const LAG_SECONDS = 12;
const LAG_ROUNDS = 3;
const READ_ROUNDS = 15;

const LOG = { debug() {}, info() {}, warn() {}, error() {} };

export async function historyRows(): Promise<Row[]> {
  if (NO_SUPABASE) throw new Error('the group history needs the binaries of Postgres and PostgREST');
  const supabase = await Supabase.start();
  try {
    return [await syncRow(supabase), ...startRows(supabase), await lagRow(supabase), await readRow()];
  } finally {
    await supabase.stop();
  }
}

const runs = (count: number, name = 'a'): Run[] =>
  Array.from({ length: count }, (_, second) => aRunAt(name, second, { outputTail: 'x'.repeat(200) }));

async function syncRow(supabase: Supabase): Promise<Row> {
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let round = 0; round < SYNC_ROUNDS; round++) {
    await supabase.clear();
    ours.push(await outboxPerSecond(supabase));
    await supabase.clear();
    bare.push(await barePerSecond(supabase));
  }
  const value = median(ours) / median(bare);
  return {
    name: 'runs written from the outbox, a second',
    value,
    unit: 'x supabase-js',
    peers: [
      { name: 'ours', value: median(ours) },
      { name: 'supabase-js', value: median(bare) },
    ],
    budget: '>= 0.8x',
    ok: value >= 0.8,
  };
}

async function outboxPerSecond({ url, serviceRoleKey: apiKey }: Supabase): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'lsh-'));
  const store = SqliteStore.open(join(directory, 'lsh.db'));
  store.record();
  await Promise.all(runs(SYNC_RUNS).map((run) => store.commit(run.job, aChange({ runs: [run] }))));
  const history = new SupabaseHistory({ url, apiKey, origin: AN_ORIGIN, output: TAILS });
  const outbox = new StoredOutbox({ history, clock: systemClock, logger: LOG, store: store.outbox });
  const before = performance.now();
  outbox.wake();
  while (outbox.backlog > 0) await wait(5);
  const perSecond = (SYNC_RUNS * 1000) / (performance.now() - before);
  outbox.close();
  store.close();
  rmSync(directory, { recursive: true });
  return perSecond;
}

async function barePerSecond({ url, serviceRoleKey: apiKey }: Supabase): Promise<number> {
  const client = createClient(url, apiKey, { auth: { persistSession: false } });
  await new SupabaseHistory({ url, apiKey, origin: AN_ORIGIN, output: TAILS }).record([
    runEntry(aRunAt('b', 1)),
  ]);
  const place = { team: AN_ORIGIN.team, origin: AN_ORIGIN.id };
  const rows = runs(SYNC_RUNS).map((run) => ({ ...runRow(run), ...place }));
  const before = performance.now();
  for (let from = 0; from < rows.length; from += BARE_BATCH)
    await client
      .from('lsh_runs')
      .upsert(rows.slice(from, from + BARE_BATCH), {
        onConflict: 'job_uid,name',
        ignoreDuplicates: true,
      })
      .throwOnError();
  return (SYNC_RUNS * 1000) / (performance.now() - before);
}

const settings = ({ url, serviceRoleKey }: Supabase) => ({
  SUPABASE_URL: url,
  SUPABASE_SERVICE_ROLE_KEY: serviceRoleKey,
});

function timeMs(work: () => unknown): number {
  const before = performance.now();
  work();
  return performance.now() - before;
}

function startRows(supabase: Supabase): Row[] {
  const homes = [newHome(settings(supabase)), newHome()];
  const times = {
    'lsh daemon start': [[], []] as number[][],
    'lsh cron add': [[], []] as number[][],
  };
  for (let round = 0; round < START_ROUNDS; round++)
    for (const [index, home] of homes.entries()) {
      times['lsh daemon start'][index]!.push(timeMs(() => home.lsh('daemon', 'start')));
      const job = ['--name', `job-${round}`, '--schedule', '@yearly', '--command', 'true'];
      times['lsh cron add'][index]!.push(timeMs(() => home.lsh('cron', 'add', ...job)));
      home.lsh('daemon', 'stop');
    }
  for (const home of homes) home.dispose();
  return Object.entries(times).map(([name, [withIt = [], without = []]]) => {
    const value = median(withIt) / median(without);
    return {
      name: `${name} with a team’s history`,
      value,
      unit: 'x without one',
      peers: [{ name: 'without', value: 1 }],
      budget: '<= 1.05x',
      ok: value <= 1.05,
    };
  });
}

/** Nothing answers at the address: each write fails. */
async function lagRow(supabase: Supabase): Promise<Row> {
  const [away, without]: [number[], number[]] = [[], []];
  await supabase.gateway.away();
  for (let round = 0; round < LAG_ROUNDS; round++) {
    away.push(await p90LagMs(newHome(settings(supabase))));
    without.push(await p90LagMs(newHome()));
  }
  await supabase.gateway.back();
  const value = median(away) / median(without);
  return {
    name: 'start lag while the project is away, p90',
    value,
    unit: 'x without a history',
    peers: [
      { name: 'away (ms)', value: median(away) },
      { name: 'without (ms)', value: median(without) },
    ],
    budget: '<= 1.2x',
    ok: value <= 1.2,
  };
}

async function p90LagMs(home: LshHome): Promise<number> {
  home.lsh('daemon', 'start');
  const documents = Array.from({ length: LAG_JOBS }, (_, index) =>
    JSON.stringify({
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name: `job-${index}` },
      spec: { schedule: '* * * * * *', command: 'true', concurrencyPolicy: 'Allow' },
    }),
  );
  home.apply(documents.join('\n---\n'));
  await wait(LAG_SECONDS * 1000);
  const shown = home.lsh('cron', 'history', '-n', '10000', '-o', 'json');
  home.dispose();
  const lags = (JSON.parse(shown) as { slot: string; startedAt?: string }[])
    .filter(({ startedAt }) => startedAt !== undefined)
    .map(({ slot, startedAt }) => Date.parse(startedAt!) - Date.parse(slot));
  return percentile(lags, 0.9);
}

async function readRow(): Promise<Row> {
  const homes = await Promise.all([1_000, 1_000_000].map(homeWith));
  const times: number[][] = [[], []];
  for (const home of homes) home.lsh('daemon', 'start');
  for (let round = 0; round < READ_ROUNDS; round++)
    for (const [index, home] of homes.entries())
      times[index]!.push(timeMs(() => home.lsh('cron', 'history', 'a')));
  for (const home of homes) home.dispose();
  const value = median(times[1]!) / median(times[0]!);
  return {
    name: 'lsh cron history NAME with a million runs',
    value,
    unit: 'x with a thousand',
    peers: [{ name: 'a thousand', value: 1 }],
    budget: '<= 1.5x',
    ok: value <= 1.5,
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
