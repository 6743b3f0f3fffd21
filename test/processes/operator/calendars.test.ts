// Calendars in a cluster: the operator reads the files that the chart mounts, and the command line the days in the status.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LshJobStatus } from '../../../src/kubernetes/objects/lsh-job-status.ts';
import { aNamespace, type ClusterCli } from '../../support/cluster/cluster-cli.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';

const NAMESPACE = 'jobs';
const DAY_MS = 86_400_000;
const dateIn = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

describe.skipIf(NO_KUBE)('calendars in a cluster', () => {
  let cluster: OperatorCluster;
  let cli: ClusterCli;
  let directory: string;

  beforeAll(async () => {
    cluster = await OperatorCluster.start();
    cli = await aNamespace(cluster.environment, NAMESPACE);
    directory = mkdtempSync(join(tmpdir(), 'lsh-test-'));
    await cluster.operator({ args: ['--calendars', directory] }).leads();
  });
  afterAll(async () => {
    await cluster?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const readyReason = ({ conditions = [] }: Partial<LshJobStatus>) =>
    conditions.find(({ type }) => type === 'Ready')?.reason;
  const touch = (name: string, value: string) =>
    cluster.patch(name, { metadata: { annotations: { 'example.com/touched': value } } }, NAMESPACE);

  test('an LshJob waits for its calendar, then leaves out its days and records the slot as Excluded', async () => {
    const spec = { schedule: '*/2 * * * * *', command: 'true', calendars: [{ name: 'freeze' }] };
    await cluster.create('frozen', spec, NAMESPACE);
    await cluster.until('frozen', (status) => readyReason(status) === 'CalendarUnknown', NAMESPACE);
    // Today, and until the day after: whatever the hour of the test, nothing runs.
    writeFileSync(join(directory, 'freeze.txt'), `${dateIn(-1)}/${dateIn(2)}\n`);
    await touch('frozen', 'one');
    const { status } = await cluster.until('frozen', (each) => readyReason(each) === 'Accepted', NAMESPACE);
    expect(status?.calendars).toEqual([{ name: 'freeze', dates: [`${dateIn(-1)}/${dateIn(2)}`] }]);
    expect(Date.parse(status!.nextScheduleTime!)).toBe(Date.parse(`${dateIn(3)}T00:00:00Z`));
    expect(status).toMatchObject({ active: [], recentRuns: [], totals: { missed: 0 } });
    const next = await cli.ok(['cron', 'next', 'frozen', '--explain', '-n', '1']);
    expect(next).toContain('no run: the calendar freeze leaves its day out');
    const explained = await cli.ok(['cron', 'explain', 'frozen', '--at', `${dateIn(1)}T12:00:00Z`]);
    expect(explained).toContain('the job is not due then: the calendar freeze leaves its day out');
  });

  test('a daily slot of a frozen day is in the outcomes of the status', async () => {
    const soon = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3000);
    const schedule = `${soon.getUTCSeconds()} ${soon.getUTCMinutes()} ${soon.getUTCHours()} * * *`;
    await cluster.create(
      'daily',
      { schedule, command: 'true', exceptDates: [dateIn(0), dateIn(1)] },
      NAMESPACE,
    );
    const hasOutcome = ({ recentOutcomes = [] }: Partial<LshJobStatus>) => recentOutcomes.length > 0;
    const { status } = await cluster.until('daily', hasOutcome, NAMESPACE);
    expect(status!.recentOutcomes![0]).toMatchObject({ outcome: 'Excluded', cause: 'exceptDates', count: 1 });
    expect(await cli.ok(['cron', 'history', 'daily', '--slots'])).toContain(
      'exceptDates of the job names its day',
    );
  });

  test('an LshJob that runs once on a day of its calendar is told so at the next change', async () => {
    writeFileSync(join(directory, 'freeze.txt'), `${dateIn(-1)}/${dateIn(9)}\n`);
    const at = `${dateIn(5)}T12:00:00Z`;
    await cluster.create('once', { at, command: 'true', calendars: [{ name: 'freeze' }] }, NAMESPACE);
    await cluster.until('once', (status) => (status.calendars?.length ?? 0) > 0, NAMESPACE);
    await cli.ok(['cron', 'pause', 'once']);
    const { stderr } = await cli.call(['cron', 'resume', 'once']);
    expect(stderr).toContain(`The job is not due at ${at}: the calendar freeze leaves its day out.`);
  });

  test('a calendar that is taken away stops its LshJob until it is back', async () => {
    writeFileSync(join(directory, 'short.txt'), `${dateIn(40)}\n`);
    const spec = {
      schedule: '0 0 1 1 *',
      command: 'true',
      calendars: [{ name: 'short', days: 'Only' as const }],
    };
    await cluster.create('only', spec, NAMESPACE);
    await cluster.until('only', (status) => readyReason(status) === 'Accepted', NAMESPACE);
    rmSync(join(directory, 'short.txt'));
    await touch('only', 'two');
    const { status } = await cluster.until(
      'only',
      (each) => readyReason(each) === 'CalendarUnknown',
      NAMESPACE,
    );
    expect(status?.phase).toBe('Invalid');
  });
});
