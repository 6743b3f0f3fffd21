// What the team's history costs: rows a second against the bare client, start and add with and without it, and the start lag while
// the project is away. A real Postgres and PostgREST answer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createClient } from '@supabase/supabase-js';
import { systemClock } from '../src/control/clock.ts';
import { StoredOutbox } from '../src/control/history/stored-outbox.ts';
import { runEntry } from '../src/core/record/entry.ts';
import { outputChunks } from '../src/core/record/output-chunks.ts';
import type { Run } from '../src/core/run.ts';
import { SqliteStore } from '../src/stores/sqlite/sqlite-store.ts';
import { logRow, runRow } from '../src/stores/supabase/rows.ts';
import { SupabaseHistory } from '../src/stores/supabase/supabase-history.ts';
import { aChange, aRunAt } from '../test/support/builders.ts';
import { AN_ORIGIN, NO_SUPABASE, Supabase, TAILS } from '../test/support/stores/supabase.ts';
import { readRows } from './history-reads.ts';
import { callMs, newHome, settingsOf, type LshHome } from './lsh-process.ts';
import { median, percentile, type Row } from './row.ts';

const SYNC_RUNS = 10_000;
const SYNC_ROUNDS = 5;
/** The best batch of the bare client. */
const BARE_BATCH = 500;
const START_ROUNDS = 15;
const LAG_JOBS = 15;
const LAG_SECONDS = 20;
/** Stretches of each kind; each has LAG_JOBS * LAG_SECONDS runs. */
const LAG_ROUNDS = 3;

const LOG = { debug() {}, info() {}, warn() {}, error() {} };

export async function historyRows(): Promise<Row[]> {
  if (NO_SUPABASE) throw new Error('the group history needs the binaries of Postgres and PostgREST');
  const supabase = await Supabase.start();
  try {
    return [
      await syncRow(supabase),
      ...(await startRows(supabase)),
      await lagRow(supabase),
      ...(await readRows()),
    ];
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

/** The same rows, of runs and of their output, made and sent one batch after the other. */
async function barePerSecond({ url, serviceRoleKey: apiKey }: Supabase): Promise<number> {
  const client = createClient(url, apiKey, { auth: { persistSession: false } });
  await new SupabaseHistory({ url, apiKey, origin: AN_ORIGIN, output: TAILS }).record([
    runEntry(aRunAt('b', 1)),
  ]);
  const place = { team: AN_ORIGIN.team, origin: AN_ORIGIN.id };
  const all = runs(SYNC_RUNS);
  const before = performance.now();
  for (let from = 0; from < all.length; from += BARE_BATCH) {
    const batch = all.slice(from, from + BARE_BATCH);
    const upsert = (table: string, rows: object[], onConflict: string) =>
      client.from(table).upsert(rows, { onConflict, ignoreDuplicates: true }).throwOnError();
    const chunks = batch.flatMap((run) =>
      [...outputChunks(run, undefined)].map((chunk) => logRow(place, run, chunk)),
    );
    await upsert(
      'lsh_runs',
      batch.map((run) => ({ ...runRow(run), ...place })),
      'job_uid,name',
    );
    await upsert('lsh_run_logs', chunks, 'job_uid,run,chunk');
  }
  return (SYNC_RUNS * 1000) / (performance.now() - before);
}

async function startRows(supabase: Supabase): Promise<Row[]> {
  const homes = [newHome(settingsOf(supabase)), newHome()];
  const times = {
    'lsh daemon start': [[], []] as number[][],
    'lsh cron add': [[], []] as number[][],
  };
  for (let round = 0; round < START_ROUNDS; round++)
    for (const [index, home] of homes.entries()) {
      times['lsh daemon start'][index]!.push(await callMs(home, 'daemon', 'start'));
      const job = ['--name', `job-${round}`, '--schedule', '@yearly', '--command', 'true'];
      times['lsh cron add'][index]!.push(await callMs(home, 'cron', 'add', ...job));
      await callMs(home, 'daemon', 'stop');
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

/** One daemon, whose project answers in one stretch and is away in the next, again and again. */
async function lagRow(supabase: Supabase): Promise<Row> {
  const home = newHome(settingsOf(supabase));
  const [reachable, away]: [number[][], number[][]] = [[], []];
  home.lsh('daemon', 'start');
  home.apply(jobsOfEachSecond());
  try {
    for (let round = 0; round < LAG_ROUNDS; round++) {
      await caughtUp(home);
      reachable.push(await lagsOfStretch(home));
      await supabase.gateway.away();
      away.push(await lagsOfStretch(home));
      await supabase.gateway.back();
    }
  } finally {
    home.dispose();
  }
  const p90 = (stretches: number[][]) => median(stretches.map((lags) => percentile(lags, 0.9)));
  const value = p90(away) / p90(reachable);
  return {
    name: 'start lag while the project is away, p90',
    value,
    unit: 'x of the same daemon with it',
    peers: [
      { name: 'away (ms)', value: p90(away) },
      { name: 'reachable (ms)', value: p90(reachable) },
      { name: 'p50 away (ms)', value: median(away.flat()) },
      { name: 'p50 reachable (ms)', value: median(reachable.flat()) },
      { name: 'runs of each', value: Math.min(away.flat().length, reachable.flat().length) },
    ],
    budget: '<= 1.1x',
    ok: value <= 1.1,
  };
}

function jobsOfEachSecond(): string {
  const documents = Array.from({ length: LAG_JOBS }, (_, index) =>
    JSON.stringify({
      apiVersion: 'lsh.dev/v1alpha1',
      kind: 'LshJob',
      metadata: { name: `job-${index}` },
      spec: { schedule: '* * * * * *', command: 'true', concurrencyPolicy: 'Allow' },
    }),
  );
  return documents.join('\n---\n');
}

/** The runs of a few seconds always wait. */
async function caughtUp(home: LshHome): Promise<void> {
  const backlog = () =>
    (JSON.parse(home.lsh('daemon', 'status', '-o', 'json')) as { history: { backlog: number } }).history
      .backlog;
  while (backlog() > 10 * LAG_JOBS) await wait(1000);
}

/** The lags of the slots from now on. */
async function lagsOfStretch(home: LshHome): Promise<number[]> {
  const from = Math.ceil(Date.now() / 1000) * 1000 + 1000;
  const until = from + LAG_SECONDS * 1000;
  await wait(until + 2000 - Date.now());
  const shown = home.lsh('cron', 'history', '-n', '2000', '-o', 'json');
  return (JSON.parse(shown) as { slot: string; startedAt?: string }[])
    .filter(
      ({ slot, startedAt }) =>
        startedAt !== undefined && Date.parse(slot) >= from && Date.parse(slot) < until,
    )
    .map(({ slot, startedAt }) => Date.parse(startedAt!) - Date.parse(slot));
}
