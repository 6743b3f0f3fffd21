// The first promise at its hardest: a job that is due each second, for a minute, with the daemon undisturbed and
// with the daemon killed again and again. The test compares the lines of the commands with the ledger.
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JobSpecInput } from '../../src/core/spec/job-spec.ts';
import type { SlotDocument } from '../../src/core/document.ts';
import { aDaemon, aHome, aManifest, type TestHome } from '../support/daemon/daemon.ts';
import { followFile, type FollowedFile } from '../support/side-effects.ts';

const SECONDS = 60;
const KILL_EVERY = 5;
/** Low enough for a machine on which slow starts let fewer slots fit into the minute. */
const LEAST_KILLS = 4;
const DARK_SECONDS = 2;
const ALL_TIME = { from: '2000-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z', limit: 1000 };

test(
  'each second of a minute has one run, in order; with the daemon killed every 5 s each still has exactly one outcome',
  { timeout: 360_000 },
  async () => {
    const steady = aMinute({ missedRunPolicy: 'All', concurrencyPolicy: 'Queue' });
    const latest = aMinute({ missedRunPolicy: 'Latest' });
    const all = aMinute({ missedRunPolicy: 'All', maxMissedRuns: 100, concurrencyPolicy: 'Queue' });
    const [, missed, caughtUp] = await Promise.all([
      leaveAlone(steady),
      killAgainAndAgain(latest, steady.file),
      killAgainAndAgain(all, steady.file),
    ]);
    expect(missed.outcomes).toContain('Missed');
    expect(caughtUp.outcomes).toEqual(new Set(['Ran']));
    expect(caughtUp.triggers).toEqual(new Set(['Schedule', 'CatchUp']));
  },
);

interface Minute {
  home: TestHome;
  file: FollowedFile;
  spec: JobSpecInput;
}

/** A job with a daemon of its own; each run appends its slot to the file. */
function aMinute(spec: JobSpecInput): Minute {
  const home = aHome();
  const file = followFile(join(home.env['HOME'] ?? '', 'slots'));
  const command = `echo "$LSH_SLOT" >> '${file.path}'`;
  return { home, file, spec: { schedule: '* * * * * *', command, ...spec } };
}

async function leaveAlone({ home, file, spec }: Minute): Promise<void> {
  const { client } = await aDaemon(home);
  await client.put({ job: aManifest('every', spec) });
  const written = (await file.reaches(SECONDS)).slice(0, SECONDS);
  expect(written).toEqual(secondsFrom(written[0]!, SECONDS));

  await quiet(home);
  const outcomes = (await client.slots({ name: 'every', ...ALL_TIME })).reverse();
  const ran = outcomes.filter(({ outcome }) => outcome === 'Ran');
  expect(ran.flatMap(secondsOf)).toEqual(file.lines());
  const runs = (await client.runs({ name: 'every', limit: 1000 })).reverse();
  expect(runs.map(({ slot }) => slot)).toEqual(file.lines());
  // A busy machine may hold the daemon up for a second; the policy All then runs the slot late.
  expect(new Set(runs.map(({ phase }) => phase))).toEqual(new Set(['Completed']));
}

/**
 * Kills the daemon at each fifth slot, and restarts it after the undisturbed daemon, whose minute is the measure of
 * both, has run two more.
 */
async function killAgainAndAgain({ home, file, spec }: Minute, steady: FollowedFile): Promise<Account> {
  let daemon = await aDaemon(home);
  await daemon.client.put({ job: aManifest('every', spec) });
  for (let kills = 0; kills < LEAST_KILLS || steady.lines().length < SECONDS - KILL_EVERY; kills++) {
    // Counts slots of its own time only: where a start takes long, catch-up would add more each time.
    await newerSlots(file, Date.now(), KILL_EVERY);
    daemon.child.kill('SIGKILL');
    await once(daemon.child, 'exit');
    await steady.reaches(Math.min(SECONDS, steady.lines().length + DARK_SECONDS));
    daemon = await aDaemon(home);
  }
  await steady.reaches(SECONDS);
  await quiet(home);
  return accountOf(home, file);
}

/** Resolves when so many runs of slots after the instant have written their lines. */
async function newerSlots(file: FollowedFile, after: number, count: number): Promise<void> {
  const newer = () => file.lines().filter((slot) => Date.parse(slot) > after).length;
  while (newer() < count) await file.reaches(file.lines().length + 1);
}

interface Account {
  outcomes: Set<string>;
  triggers: Set<string>;
}

/** Compares ledger and file: each second has exactly one outcome, and each run ran once. */
async function accountOf({ client }: TestHome, file: FollowedFile): Promise<Account> {
  const outcomes = (await client.slots({ name: 'every', ...ALL_TIME })).reverse();
  const seconds = outcomes.flatMap(secondsOf);
  expect(seconds).toEqual(secondsFrom(seconds[0]!, seconds.length));
  const ran = outcomes.filter(({ outcome }) => outcome === 'Ran').flatMap(secondsOf);
  expect(file.lines().sort()).toEqual(ran);
  expect(outcomes.filter(({ outcome, cause }) => outcome !== 'Ran' && cause === undefined)).toEqual([]);

  const runs = await client.runs({ name: 'every', limit: 1000 });
  expect(runs.map(({ slot }) => slot).sort()).toEqual(ran);
  expect(runs.filter(({ phase }) => phase !== 'Completed')).toEqual([]);
  return {
    outcomes: new Set(outcomes.map(({ outcome }) => outcome)),
    triggers: new Set(runs.map(({ trigger }) => trigger)),
  };
}

/** Pauses the job and resolves when its last run has ended. */
async function quiet({ client }: TestHome): Promise<void> {
  await client.suspend({ name: 'every', suspend: true });
  for (const { name } of await client.runs({ name: 'every', phases: ['Created', 'Running'] })) {
    await client.run({ run: name, wait: true });
  }
}

/** `count` seconds as the ledger writes them. */
function secondsFrom(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(first) + index * 1000).toISOString().replace('.000Z', 'Z'),
  );
}

function secondsOf({ from, to, count }: SlotDocument): string[] {
  const seconds = secondsFrom(from, count);
  expect(seconds.at(-1)).toBe(to);
  return seconds;
}
