// A thousand jobs that fail within seconds, through whole daemons: a handful of messages, all jobs in the report, and no run
// that starts later because of them. Rounds with and without notices alternate in one run, so that both see the same machine.
import { expect, test } from 'vitest';
import type { JobSpecInput } from '../../src/core/spec/job-spec.ts';
import { lshOk } from '../support/daemon/cli.ts';
import { aDaemon, aManifest, type TestHome } from '../support/daemon/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { aHomeWith } from '../support/notices/channels.ts';
import { aReceiver, hangs } from '../support/notices/receiver.ts';

const JOBS = 1000;
/** The seconds in which all of them are due. */
const SECONDS = 8;
/** Time to add them. */
const LEAD_MS = 20_000;
const AT_ONCE = 50;

/** Adds the jobs, each due once and failing; resolves with the median lag of their starts, milliseconds. */
async function storm({ client }: TestHome, notify: NonNullable<JobSpecInput['notify']>): Promise<number> {
  const from = Math.ceil((Date.now() + LEAD_MS) / 1000) * 1000;
  const window = {
    notBefore: new Date(from).toISOString(),
    notAfter: new Date(from + (SECONDS - 1) * 1000).toISOString(),
  };
  const jobs = Array.from({ length: JOBS }, (_, index) => {
    const second = (from / 1000 + (index % SECONDS)) % 60;
    const spec = { schedule: `${second} * * * * *`, timeZone: 'UTC', command: 'exit 3', ...window };
    return aManifest(`job-${index}`, { ...spec, notify });
  });
  for (let first = 0; first < JOBS; first += AT_ONCE)
    await Promise.all(jobs.slice(first, first + AT_ONCE).map((job) => client.put({ job })));
  expect(Date.now()).toBeLessThan(from);
  const failed = async () => (await client.stats({})).reduce((sum, stats) => sum + stats.failed, 0);
  await eventually(async () => (await failed()) === JOBS, { what: 'the end of all runs', withinMs: 120_000 });
  const runs = await client.runs({ limit: JOBS });
  expect(runs).toHaveLength(JOBS);
  const lags = runs.map(({ slot, startedAt }) => Date.parse(startedAt!) - Date.parse(slot));
  return lags.sort((a, b) => a - b)[JOBS / 2]!;
}

test('a thousand jobs that fail are a handful of messages, and delay no run', async () => {
  const [ops, silent] = [await aReceiver(), await aReceiver(hangs)];
  const channels = {
    ops: { kind: 'webhook', url: ops.url },
    // A receiver that hangs must delay neither runs nor the other channel.
    silent: { kind: 'webhook', url: silent.url },
  };
  const lags: Record<'quiet' | 'told', number[]> = { quiet: [], told: [] };
  const told: TestHome[] = [];
  for (const round of ['quiet', 'told', 'quiet', 'told'] as const) {
    const home = await aDaemon(aHomeWith(channels));
    lags[round].push(await storm(home, round === 'told' ? [{ channels: ['ops', 'silent'] }] : []));
    if (round === 'told' && told.length === 0) told.push(home);
    else home.child.kill();
  }
  const [home] = told as [TestHome];
  const waiting = async (channel: string) =>
    (await home.client.notices({})).channels.find((one) => one.channel === channel)?.waiting ?? 0;
  await eventually(async () => (await waiting('ops')) === 0, { what: 'the message', withinMs: 90_000 });
  expect(await waiting('silent')).toBe(JOBS);

  const messages = ops.received.map(
    ({ body }) => (JSON.parse(body) as { data: { jobs?: number } }).data.jobs ?? 1,
  );
  // Five one by one in each of the two rounds; the first daemon alone lived to the end of the minute.
  expect(messages.length).toBeLessThanOrEqual(2 * 5 + 2);
  expect(messages.filter((jobs) => jobs === 1)).toHaveLength(2 * 5);
  expect(messages.reduce((sum, jobs) => sum + jobs, 0)).toBe(JOBS + 5);
  const report = await lshOk(home, ['cron', 'report', '-o', 'csv']);
  expect(report.match(/^job-\d+,0,1,/gm)).toHaveLength(JOBS);

  const best = (samples: number[]) => Math.min(...samples);
  const ratio = best(lags.told) / best(lags.quiet);
  expect(ratio, `median lags: ${JSON.stringify(lags)} ms`).toBeLessThan(2);
}, 400_000);
