// Jobs that run once in a cluster: the operator runs them, and their LshJob stays, hidden from the list.
import { describe, expect, test } from 'vitest';
import type { JobDocument } from '../../../src/core/document.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';
import { eventually } from '../../support/eventually.ts';

describe.skipIf(NO_KUBE)('a job that runs once in a cluster', () => {
  const cli = aTestCluster('once', { controller: true });

  const get = async (name: string) =>
    JSON.parse(await cli.ok(['cron', 'get', name, '-o', 'json'])) as JobDocument;

  test('runs, ends, leaves the list, and keeps its LshJob with the history', async () => {
    const args = ['cron', 'in', '6s', '--executor', 'shell', '--command', '/bin/echo done'];
    const name = (await cli.ok([...args, '-o', 'name'])).trim();
    await eventually(async () => (await get(name)).status?.phase === 'Ended');
    expect(await cli.ok(['cron', 'list', '-o', 'name'])).toBe('');
    expect(await cli.ok(['cron', 'list', '--all', '-o', 'name'])).toBe(`${name}\n`);
    expect(await cli.ok(['cron', 'history', name])).toContain('Completed');
    expect(await cli.ok(['cron', 'logs', name])).toContain('done');
  });

  test('is refused for a time that has passed', async () => {
    const refused = await cli.call(['cron', 'at', '2020-01-01', '-n', 'past', '--command', 'true']);
    expect(refused).toMatchObject({ status: 2 });
    expect(refused.stderr).toContain('spec.at: must be in the future');
  });

  test('of an instant before its LshJob ends at once, without a run', async () => {
    const spec = { at: '2020-12-24T10:00:00', executor: 'Shell', command: 'true' };
    const body = { apiVersion: 'lsh.dev/v1alpha1', kind: 'LshJob', metadata: { name: 'before' }, spec };
    await cli.client.json({ method: 'POST', path: '/apis/lsh.dev/v1alpha1/namespaces/once/lshjobs', body });
    await eventually(async () => (await get('before')).status?.phase === 'Ended');
    expect((await get('before')).status).toMatchObject({ recentRuns: [], active: [] });
  });
});
