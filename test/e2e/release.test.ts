// The life of a release: it passes helm's test and the restricted profile, an upgrade during runs loses nothing, and
// its LshJobs outlive an uninstall.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobSpecInput } from '../../src/core/spec/job-spec.ts';
import { findings, isComplete } from '../support/cluster/ledger-check.ts';
import { eventually } from '../support/eventually.ts';
import { restrictedProblems } from '../support/cluster/pod-security.ts';
import type { PodSpec } from '../support/chart/chart.ts';
import { Marks } from './support/marks.ts';
import { olderChart } from './support/older-chart.ts';
import { RealCluster, RELEASE, TEAM } from './support/real-cluster.ts';

/** Seconds with due slots. */
const SECONDS = 60;

const cluster = new RealCluster();
const marks = new Marks('release');
const values = {
  shell: { namespaces: [TEAM], extraVolumeMounts: [marks.mount] },
  extraVolumes: [marks.podVolume],
};

beforeAll(() => cluster.start(values, marks.volume(RELEASE.namespace)));
afterAll(() => cluster.stop());

test('its pod passes the restricted profile', async () => {
  // helm returns when the new pod is ready; operator() waits until the old one is gone.
  const { spec } = await cluster.operator();
  expect(restrictedProblems(spec as PodSpec)).toEqual([]);
});

test('helm test passes', async () => {
  const output = await cluster.helm(['test', RELEASE.name, '--namespace', RELEASE.namespace, '--timeout=4m']);
  expect(output).toMatch(/Phase: +Succeeded/);
});

test('an upgrade during runs loses nothing', async () => {
  await installOlder();
  const until = Math.ceil(Date.now() / 1000 + SECONDS) * 1000;
  const second = (spec: JobSpecInput): JobSpecInput => ({
    schedule: '* * * * * *',
    notAfter: new Date(until).toISOString(),
    missedRunPolicy: 'All',
    maxMissedRuns: 100,
    successfulRunsHistoryLimit: 100,
    ...spec,
  });
  const shell = await cluster.create('shell', second({ executor: 'Shell', command: marks.command }));
  const pods = await cluster.create('pods', second({ command: 'true' }));
  await cluster.create('long', { schedule: '@yearly', command: 'sleep 20; echo "slept through"' });
  await cluster.lsh('cron', 'trigger', 'long');
  const long = await cluster.untilRun('long', ({ phase }) => phase === 'Running');
  for (const [name, command] of Object.entries(CROSSING)) await startCrossing(name, command);
  await cluster.untilRun('shell', ({ phase }) => phase === 'Completed');
  await cluster.untilRun('pods', ({ phase }) => phase === 'Completed');
  const before = await cluster.operator();

  await cluster.release({ ...values, logLevel: 'debug' });
  const after = await cluster.until('the new operator', () =>
    cluster.operators().find(({ metadata }) => metadata.uid !== before.metadata.uid),
  );
  const ended = await cluster.untilRun(
    'long',
    ({ name, phase }) => name === long.name && phase === 'Completed',
  );

  expect(after.metadata.name).not.toBe(before.metadata.name);
  expect(ended.outputTail).toBe('slept through\n');
  const accounts = () => [
    { ...cluster.accountOf(shell, until), executions: marks.read().get('shell') ?? [] },
    cluster.accountOf(pods, until),
  ];
  // After the time limit, open runs are among the findings.
  await cluster
    .until('the end of all runs', () => accounts().every(isComplete) || undefined)
    .catch(() => undefined);
  expect(accounts().flatMap(findings)).toEqual([]);
  for (const name of Object.keys(CROSSING)) await expectCrossed(name);
});

test('its LshJobs outlive it, and a new release continues them', async () => {
  await cluster.helm(['uninstall', RELEASE.name, '--namespace', RELEASE.namespace]);
  await cluster.until('the end of the operator', () => cluster.operators().length === 0 || undefined);
  const left = await cluster.kubectl('get', 'lj', '--namespace', TEAM, '--output=name');
  expect(left.split('\n')).toEqual(expect.arrayContaining(['lshjob.lsh.dev/long', 'lshjob.lsh.dev/shell']));

  await cluster.release(values);
  await cluster.lsh('cron', 'trigger', 'long');
  await cluster.until('a second run', () => cluster.runsOf('long').length === 2 || undefined);
  await cluster.remove('long', 'shell', 'pods', ...Object.keys(CROSSING));
});

/** Replaces the release by one of the oldest chart in the history, if that differs from this one. */
async function installOlder(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lsh-chart-'));
  const chart = olderChart(directory);
  if (chart === undefined) console.log('the upgrade changes values only: the history has no older chart');
  else await cluster.release(values, chart);
  rmSync(directory, { recursive: true });
}

/** Shell runs that end with their pod: one ends on TERM, the other needs KILL. */
const CROSSING = { heeds: 'exec sleep 600', ignores: "trap '' TERM; while :; do sleep 1; done" };

async function startCrossing(name: string, command: string): Promise<void> {
  await cluster.create(name, {
    schedule: '@yearly',
    executor: 'Shell',
    command: `${marks.command}; [ "$LSH_ATTEMPT" = 2 ] || { ${command}; }`,
    retry: { limit: 1, initialSeconds: 1 },
  });
  await cluster.lsh('cron', 'trigger', name);
  // The ledger says Running before the command begins, so wait for its first output.
  await eventually(() => marks.read().has(name), { what: `the first line of ${name}` });
}

/** The ended pod has recorded the end with its reason, a retry follows, and each attempt has executed once. */
async function expectCrossed(name: string): Promise<void> {
  const first = await cluster.untilRun(name, ({ attempt, finishedAt }) => attempt === 1 && !!finishedAt);
  console.log(`${name} TERM: ${first.phase}, ${first.reason}: ${first.message}`);
  expect(first).toMatchObject({ phase: 'Killed', reason: 'ShuttingDown' });
  await cluster.untilRun(name, ({ attempt, phase }) => attempt === 2 && phase === 'Completed');
  await cluster.until(
    `the end of ${name}`,
    () => cluster.get(name)?.status?.active?.length === 0 || undefined,
  );
  const runs = cluster.runsOf(name);
  expect(runs).toHaveLength(2);
  const executed = marks.read().get(name) ?? [];
  expect(executed.map(({ run }) => run)).toEqual(runs.map((run) => run.name));
}
