// The operator records its LshJobs and the output of their runs in a real Supabase project: who changed what, once, also for
// what happened while it was down.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { OperatorCluster } from '../../support/cluster/operator-cluster.ts';
import type { Operator } from '../../support/cluster/operator.ts';
import { aDaemon, aHome, aManifest } from '../../support/daemon/daemon.ts';
import { RunnerWorld } from '../../support/runners/runner-process.ts';
import { NO_SUPABASE, Supabase } from '../../support/stores/supabase.ts';

const YEARLY = { schedule: '@yearly' };

describe.skipIf(NO_KUBE || NO_SUPABASE)('the jobs of an operator with a team’s history', () => {
  let cluster: OperatorCluster;
  let supabase: Supabase;
  let world: RunnerWorld;

  beforeAll(async () => {
    [cluster, supabase] = await Promise.all([OperatorCluster.start(), Supabase.start()]);
    world = new RunnerWorld();
    await world.startRunner();
  });
  afterEach(() => cluster?.stopOperators());
  afterAll(() => Promise.all([cluster?.stop(), supabase?.stop(), world?.close()]));

  const start = (...args: string[]): Promise<Operator> => {
    const env = { SUPABASE_URL: supabase.url, SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey };
    const shell = ['--shell', world.socketPath, '--shell-namespaces', 'default'];
    return cluster.operator({ args: ['--leader-elect=false', ...shell, ...args], env }).leads();
  };

  const audit = (job: string) =>
    supabase.sql<{ action: string; actor: string | null }>(
      'select action, actor from lsh_audit where job = $1 order by recorded_at, at',
      [job],
    );
  const row = async (job: string) => {
    const [found] = await supabase.sql<{ command: string; removed: boolean; recorded: string }>(
      `select spec->>'command' as command, removed_at is not null as removed, recorded_at::text as recorded from lsh_jobs
        where name = $1`,
      [job],
    );
    return found;
  };
  const actions = async (job: string) => (await audit(job)).map(({ action }) => action);
  const said = (job: string, ...expected: string[]) =>
    eventually(async () => (await actions(job)).join() === expected.join(), {
      what: `${job}: ${expected.join()}`,
    });

  test('are rows, with who changed them; a restart and a write of the status add none', async () => {
    const first = await start();
    await cluster.create('kept', { ...YEARLY, command: 'make one' });
    await said('kept', 'Added');
    await cluster.patch('kept', { spec: { command: 'make two' } });
    await said('kept', 'Added', 'Configured');
    await cluster.patch('kept', { spec: { suspend: true } });
    await said('kept', 'Added', 'Configured', 'Paused');
    expect((await audit('kept')).every(({ actor }) => actor !== null)).toBe(true);
    const [origin] = await supabase.sql(
      'select o.kind, o.namespace from lsh_origins o join lsh_jobs j on (j.team, j.origin) = (o.team, o.id)',
    );
    expect(origin).toEqual({ kind: 'Cluster', namespace: 'lsh-system' });
    // The row of the job follows its audit row.
    await eventually(async () => (await first.get('/metrics')).body.includes('\nlsh_history_backlog 0\n'));
    const before = await row('kept');
    await first.stop('SIGKILL');
    await start();
    // Its row comes after every comparison of the jobs that were there.
    await cluster.create('later', { ...YEARLY, command: 'true' });
    await said('later', 'Added');
    expect(await row('kept')).toEqual(before);
    await said('kept', 'Added', 'Configured', 'Paused');
    await cluster.delete('kept');
    await said('kept', 'Added', 'Configured', 'Paused', 'Removed');
    await eventually(async () => (await row('kept'))!.removed);
    expect(await row('kept')).toMatchObject({ command: 'make two' });
  });

  test('that went while the operator was down are removed, in the namespaces that it watches', async () => {
    await cluster.createNamespace('elsewhere');
    const first = await start();
    await cluster.create('gone', { ...YEARLY, command: 'true' });
    await cluster.create('unseen', { ...YEARLY, command: 'true' }, 'elsewhere');
    await said('gone', 'Added');
    await said('unseen', 'Added');
    await first.stop();
    await cluster.delete('gone');
    await cluster.delete('unseen', 'elsewhere');
    const second = await start('--namespaces', 'default');
    await said('gone', 'Added', 'Removed');
    expect(await actions('unseen')).toEqual(['Added']);
    await second.stop();
    await start();
    await said('unseen', 'Added', 'Removed');
  });

  test('stand beside those of three daemons: each run once, and every origin', async () => {
    await start();
    const env = { SUPABASE_URL: supabase.url, SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey };
    const daemons = await Promise.all(
      ['one', 'two', 'three'].map((name) => aDaemon(aHome({ ...env, LSH_ORIGIN: name }))),
    );
    const runs = 5;
    await cluster.create('shared', { ...YEARLY, command: 'true' });
    const names = (origin: string, all: string[]) => all.map((name) => `${origin} ${name}`);
    const written = await Promise.all(
      daemons.map(async ({ client }, index) => {
        await client.put({ job: aManifest('shared', { ...YEARLY, command: 'true' }) });
        const own: string[] = [];
        for (let run = 0; run < runs; run++) {
          const { name } = await client.trigger({ name: 'shared', id: `${run}` });
          await client.run({ run: name, wait: true });
          own.push(name);
        }
        return names(['one', 'two', 'three'][index]!, own);
      }),
    );
    for (let run = 0; run < runs; run++) {
      await cluster.patch('shared', { metadata: { annotations: { 'lsh.dev/trigger': `${run}` } } });
      await cluster.until('shared', ({ lastHandledTrigger, active = [] }) => {
        return lastHandledTrigger === `${run}` && active.length === 0;
      });
    }
    const expected = [...written.flat(), ...names('lsh-system', cluster.jobController.namesOf('shared'))];
    const recorded = async () => {
      const rows = await supabase.sql<{ line: string }>(
        `select o.name || ' ' || r.name as line from lsh_runs r join lsh_origins o on (o.team, o.id) = (r.team, r.origin)
          where r.job = 'shared'`,
      );
      return rows.map(({ line }) => line).toSorted();
    };
    await eventually(async () => (await recorded()).length === 4 * runs);
    expect(await recorded()).toEqual(expected.toSorted());
    const kinds = await supabase.sql(
      `select o.kind, count(*)::int from lsh_jobs j join lsh_origins o on (o.team, o.id) = (j.team, j.origin)
        where j.name = 'shared' group by o.kind order by o.kind`,
    );
    expect(kinds).toEqual([
      { kind: 'Cluster', count: 1 },
      { kind: 'Host', count: 3 },
    ]);
  });

  test('leave the output of their shell runs', async () => {
    await start();
    await cluster.create('spoken', { ...YEARLY, executor: 'Shell', command: 'seq 1 1000' });
    await cluster.create('silent', {
      ...YEARLY,
      executor: 'Shell',
      command: 'echo no',
      captureOutput: false,
    });
    for (const name of ['spoken', 'silent'])
      await cluster.patch(name, { metadata: { annotations: { 'lsh.dev/trigger': 'one' } } });
    const runs = () => supabase.sql(`select 1 from lsh_runs where job in ('spoken', 'silent')`);
    await eventually(async () => (await runs()).length === 2);
    const logs = () =>
      supabase.sql<{ job: string; output: string }>(
        'select r.job, l.output from lsh_runs r join lsh_run_logs l on (l.job_uid, l.run) = (r.job_uid, r.name)',
      );
    await eventually(async () => (await logs()).length === 1);
    const lines = Array.from({ length: 1000 }, (_, line) => `${line + 1}\n`);
    expect(await logs()).toEqual([{ job: 'spoken', output: lines.join('') }]);
  });
});
