// `lsh cron pull --cluster`: from the team's real record into a real API server.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { SupabaseHistory } from '../../../src/stores/supabase/supabase-history.ts';
import { aSpec, T0 } from '../../support/builders.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';
import { AN_ORIGIN, NO_SUPABASE, Supabase, TAILS } from '../../support/stores/supabase.ts';

describe.skipIf(NO_KUBE || NO_SUPABASE)('pull into a cluster', () => {
  const cli = aTestCluster('team');
  let supabase: Supabase;

  beforeAll(async () => {
    supabase = await Supabase.start();
    Object.assign(cli.env, {
      SUPABASE_URL: supabase.url,
      SUPABASE_SERVICE_ROLE_KEY: supabase.serviceRoleKey,
    });
  });
  afterAll(() => supabase?.stop());
  beforeEach(() => supabase.clear());

  async function recorded(name: string, spec: JobSpecInput, kind: 'Host' | 'Cluster'): Promise<void> {
    const { url, serviceRoleKey: apiKey } = supabase;
    const origin = { ...AN_ORIGIN, kind };
    await new SupabaseHistory({ url, apiKey, output: TAILS, origin }).record([
      {
        kind: 'job',
        id: name,
        job: `${kind === 'Host' ? 'local' : 'elsewhere'}/${name}`,
        jobUid: `uid-of-${name}`,
        revision: 1,
        spec: aSpec(spec),
        labels: { tier: 'gold' },
        annotations: undefined,
        changedAt: T0,
        changedBy: 'ada',
        isRemoved: false,
      },
    ]);
  }
  const object = (name: string) => cli.client.json<LshJob>({ path: lshJobPath('team', name) });

  test('a job of a laptop becomes a Kubernetes Job, with a note for each difference', async () => {
    await recorded('report', { command: 'make report', timeZone: 'Europe/Berlin' }, 'Host');
    const { status, stdout, stderr } = await cli.call(['cron', 'pull', 'report', '--yes']);
    expect({ status, stdout: stdout.split('\n')[0] }).toEqual({ status: 0, stdout: 'job "report" created' });
    expect(stderr).toContain('note: executor: Shell becomes Job');
    expect(await object('report')).toMatchObject({
      metadata: { labels: { tier: 'gold' } },
      spec: { command: 'make report', executor: 'Job', timeZone: 'Europe/Berlin' },
    });
    expect(await cli.ok(['cron', 'pull', 'report', '--yes'])).toBe('job "report" unchanged\n');
  });

  test('a job of another cluster comes into the namespace of the command line', async () => {
    await recorded('nightly', { command: 'true', executor: 'Job', job: { image: 'busybox' } }, 'Cluster');
    expect(await cli.ok(['cron', 'pull', 'nightly', '--yes'])).toContain('job "nightly" created');
    expect(await object('nightly')).toMatchObject({ spec: { job: { image: 'busybox' } } });
    const manifest = await cli.ok(['cron', 'pull', 'nightly', '-o', 'yaml']);
    expect(manifest).not.toContain('namespace');
  });

  test('what needs that laptop is refused, and the hint stays in the cluster', async () => {
    await recorded('boot', { command: 'true', schedule: '@reboot' }, 'Host');
    const refused = await cli.call(['cron', 'pull', 'boot', '--yes']);
    expect(refused.stderr).toContain('[JOB_NOT_CARRIED]');
    await recorded('token', { command: 'true', env: [{ name: 'TOKEN' }] }, 'Host');
    const incomplete = await cli.call(['cron', 'pull', 'token', '--yes']);
    expect(incomplete).toMatchObject({ status: 2 });
    expect(incomplete.stderr).toContain('`lsh cron pull token --cluster --env TOKEN=…`');
  });
});
