// The life of a release: it passes helm's test and the strictest profile, is upgraded while jobs run, and when it is
// uninstalled the LshJobs stay.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobSpecInput } from '../../src/core/job.ts';
import { findings, isSettled } from '../support/ledger-check.ts';
import { restrictedProblems } from '../support/pod-security.ts';
import type { PodSpec } from '../support/chart.ts';
import { Marks } from './support/marks.ts';
import { RealCluster, RELEASE, TEAM } from './support/real-cluster.ts';

/** How long slots are due. */
const SECONDS = 60;

const cluster = new RealCluster();
const marks = new Marks();
const values = {
  shell: { namespaces: [TEAM], extraVolumeMounts: [marks.mount] },
  extraVolumes: [marks.podVolume],
};

beforeAll(() => cluster.start(values, marks.volume(RELEASE.namespace)));
afterAll(() => cluster.stop());

test('its pods pass the restricted profile', () => {
  const pods = cluster.operators();
  expect(pods).toHaveLength(1);
  expect(pods.flatMap(({ spec }) => restrictedProblems(spec as PodSpec))).toEqual([]);
});

test('helm test passes', async () => {
  const said = await cluster.helm(['test', RELEASE.name, '--namespace', RELEASE.namespace, '--timeout=4m']);
  expect(said).toMatch(/Phase: +Succeeded/);
});

test('an upgrade loses nothing while jobs run', async () => {
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
  await cluster.untilRun('shell', ({ phase }) => phase === 'Completed');
  await cluster.untilRun('pods', ({ phase }) => phase === 'Completed');
  const [before] = cluster.operators();

  await cluster.release({ ...values, logLevel: 'debug' });
  const after = await cluster.until('the new operator', () =>
    cluster.operators().find(({ metadata }) => metadata.uid !== before?.metadata.uid),
  );
  const ended = await cluster.untilRun(
    'long',
    ({ name, phase }) => name === long.name && phase === 'Completed',
  );

  expect(after.metadata.name).not.toBe(before?.metadata.name);
  expect(ended.outputTail).toBe('slept through\n');
  const accounts = () => [
    { ...cluster.accountOf(shell, until), executions: marks.read().get('shell') ?? [] },
    cluster.accountOf(pods, until),
  ];
  // What is still open after the limit is among the findings.
  await cluster
    .until('the end of all runs', () => accounts().every(isSettled) || undefined)
    .catch(() => undefined);
  expect(accounts().flatMap(findings)).toEqual([]);
});

test('its LshJobs outlive it, and a new release goes on with them', async () => {
  await cluster.helm(['uninstall', RELEASE.name, '--namespace', RELEASE.namespace]);
  await cluster.until('the end of the operator', () => cluster.operators().length === 0 || undefined);
  const left = await cluster.kubectl('get', 'lj', '--namespace', TEAM, '--output=name');
  expect(left.split('\n')).toEqual(expect.arrayContaining(['lshjob.lsh.dev/long', 'lshjob.lsh.dev/shell']));

  await cluster.release(values);
  await cluster.lsh('cron', 'trigger', 'long');
  await cluster.until('a second run', () => cluster.runsOf('long').length === 2 || undefined);
  await cluster.remove('long', 'shell', 'pods');
});
