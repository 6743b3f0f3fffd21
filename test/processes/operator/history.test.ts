// The operator records finished runs in a real Supabase project: one row per run, also after an outage of the project
// or the operator. A run stays in the cluster until its row exists.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectStatus } from '../../../src/stores/supabase/project-status.ts';
import type { LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import type { Operator } from '../../support/cluster/operator.ts';
import { NO_SUPABASE, Supabase } from '../../support/stores/supabase.ts';

const EVERY_SECOND = '* * * * * *';
const ALONE = ['--leader-elect=false', '--lease-duration', '1s'];
const LIMIT = { successfulRunsHistoryLimit: 1, failedRunsHistoryLimit: 1 };

describe.skipIf(NO_KUBE || NO_SUPABASE)('an operator with a team’s history', () => {
  let cluster: OperatorCluster;
  let supabase: Supabase;
  let operator: Operator;

  const start = (): Promise<Operator> => {
    const env = { SUPABASE_URL: supabase.url, SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey };
    return cluster.operator({ args: ALONE, env }).leads();
  };

  beforeAll(async () => {
    [cluster, supabase] = await Promise.all([OperatorCluster.start(), Supabase.start()]);
    operator = await start();
  });
  afterAll(() => Promise.all([cluster?.stop(), supabase?.stop()]));

  const synced = ({ status }: LshJob) => status?.conditions?.find(({ type }) => type === 'HistorySynced');

  /** Names of the job’s recorded runs, one per row, in order. */
  async function recorded(job: string): Promise<string[]> {
    return (await supabase.runs()).filter((run) => run.job === `default/${job}`).map(({ name }) => name);
  }

  /** Resolves when the job has runs and each of them has its row. */
  async function allRecorded(job: string): Promise<void> {
    const looked = async (): Promise<boolean> => {
      const names = cluster.jobController.namesOf(job).toSorted();
      return names.length > 0 && (await recorded(job)).join() === names.join();
    };
    await eventually(looked, { what: 'rows of every run' });
  }

  async function metric(name: string): Promise<number> {
    const { body } = await operator.get('/metrics');
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1]);
  }
  const backlog = () => metric('lsh_history_backlog');

  test('records each finished run as its LshJob shows it', async () => {
    cluster.behave('kept', ({ metadata }) => (metadata.name.endsWith('-2') ? 'Complete' : 'Failed'));
    await cluster.create('kept', { schedule: '@yearly', retry: { limit: 1, initialSeconds: 0 } });
    const annotations = { 'lsh.dev/trigger': 'one', 'lsh.dev/requested-by': 'maria' };
    await cluster.patch('kept', { metadata: { annotations } });
    const object = await cluster.until('kept', ({ totals }) => totals?.completed === 1);
    await allRecorded('kept');
    const shown = object.status!.recentRuns!.map(({ name, phase, attempt, finishedAt }) => ({
      name,
      phase,
      attempt,
      finishedAt: Date.parse(finishedAt!),
    }));
    const rows = (await supabase.runs()).filter(({ job }) => job === 'default/kept');
    expect(rows).toHaveLength(2);
    expect(rows).toEqual(expect.arrayContaining(shown.map((run) => expect.objectContaining(run) as unknown)));
    expect(rows).toEqual(
      rows.map(
        () => expect.objectContaining({ jobUid: object.metadata.uid, requestedBy: 'maria' }) as unknown,
      ),
    );
    expect(synced(object)).toMatchObject({ status: 'True', reason: 'Recorded' });
    await cluster.delete('kept');
  });

  test('keeps runs beyond the limits during an outage, without their Jobs, and loses none when killed', async () => {
    await supabase.gateway.away();
    await cluster.create('away', { schedule: EVERY_SECOND, ...LIMIT });
    // The condition changes after a while, at any pace of runs.
    const without = await cluster.until(
      'away',
      ({ recentRuns = [] }, object) => synced(object)?.status === 'False' && recentRuns.length > 3,
    );
    expect(synced(without)).toMatchObject({ reason: 'HistoryUnavailable' });
    expect(synced(without)!.message).not.toContain(supabase.serviceRoleKey);
    const { status } = await cluster.patch('away', { spec: { suspend: true } });
    expect(await backlog()).toBeGreaterThanOrEqual(status!.recentRuns!.length);
    const ends = status!.recentRuns!.map(({ finishedAt = '' }) => Date.parse(finishedAt));
    const age = (Date.now() - Math.min(...ends)) / 1000;
    expect(await metric('lsh_history_oldest_age_seconds')).toBeGreaterThanOrEqual(age - 1);
    // What `lsh supabase status` says.
    const asked = projectStatus({ url: supabase.url, apiKey: supabase.serviceRoleKey }, Date.now);
    await expect(asked).rejects.toThrow(synced(without)!.message);

    await operator.stop('SIGKILL');
    operator = await start();
    // A trigger from now on is handled by the new operator.
    await cluster.patch('away', { metadata: { annotations: { 'lsh.dev/trigger': 'after' } } });
    const after = await cluster.until('away', ({ lastHandledTrigger, active = [] }) => {
      return lastHandledTrigger === 'after' && active.length === 0;
    });
    const ran = cluster.jobController.namesOf('away');
    expect(after.status!.recentRuns!.map(({ name }) => name).toSorted()).toEqual(ran.toSorted());
    expect(synced(after)).toMatchObject({ status: 'False' });
    await cluster.waitFor(
      () => cluster.jobController.jobsOf('away').length === 1 || undefined,
      'the removal of Jobs',
    );
    await supabase.gateway.back();

    // The rows may arrive in several batches.
    await cluster.until(
      'away',
      ({ recentRuns }, object) => recentRuns?.length === 1 && synced(object)?.status === 'True',
    );
    await allRecorded('away');
    await eventually(async () => (await backlog()) === 0, { what: 'an empty backlog' });
    expect(await metric('lsh_history_oldest_age_seconds')).toBe(0);
    await cluster.delete('away');
  });

  test('is not blocked by a project without the table, and names what is missing', async () => {
    await supabase.alter('alter table lsh_runs rename to elsewhere');
    await cluster.create('refused', { schedule: EVERY_SECOND });
    const without = await cluster.until('refused', (_, object) => synced(object)?.status === 'False');
    expect(synced(without)).toMatchObject({ reason: 'HistoryRefused' });
    const { totals } = without.status!;
    await cluster.until('refused', (later) => later.totals!.completed > totals!.completed + 1);
    const refusal = {
      code: 'HISTORY_REFUSED',
      hint: expect.stringContaining('lsh supabase init') as unknown,
    };
    const lines = operator.lines.filter(({ msg }) => msg === 'the team’s history was not written');
    expect(lines.map(({ err }) => err)).toContainEqual(expect.objectContaining(refusal));
    await supabase.alter('alter table elsewhere rename to lsh_runs');
    await cluster.patch('refused', { spec: { suspend: true } });
    // A refused batch is retried once a minute; a new operator retries at once.
    expect(await operator.stop()).toEqual([0, null]);
    operator = await start();
    await cluster.until('refused', (_, object) => synced(object)?.status === 'True');
    await allRecorded('refused');
    await cluster.delete('refused');
  });

  test('records the end of a run whose LshJob was deleted', async () => {
    cluster.behave('deleted', () => undefined);
    await cluster.create('deleted', { schedule: EVERY_SECOND });
    await cluster.until('deleted', ({ active = [] }) => active.length === 1);
    await cluster.delete('deleted');
    await allRecorded('deleted');
    const run = (await supabase.runs()).find(({ job }) => job === 'default/deleted');
    expect(run).toMatchObject({ phase: 'Killed', reason: 'JobRemoved' });
  });
});
