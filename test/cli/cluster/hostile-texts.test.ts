// Texts of an LshJob that would control the terminal, written by another client of a real API server, through the verbs.
import { beforeAll, describe, expect, test } from 'vitest';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';

const HOSTILE = 'x\u001B]0;title\u0007\u001B[2J\u001B[35my\u009B31mz\u202Eabc\u2066d\re\nerror: forged';
const CONTROL = /(?!\n)[\p{Cc}\u202E\u2066]/u;

describe.skipIf(NO_KUBE)('an LshJob whose texts would control the terminal', () => {
  const cli = aTestCluster('hostile');

  beforeAll(async () => {
    await cli.ok(['cron', 'add', '-n', 'hostile', '-s', '@yearly', '-c', 'true']);
    const path = lshJobPath('hostile', 'hostile');
    const contentType = 'application/merge-patch+json';
    const at = '2026-01-01T00:00:00Z';
    const run = {
      name: 'hostile-m1',
      trigger: 'Manual',
      attempt: 1,
      executor: 'Job',
      phase: 'Failed',
      createdAt: at,
    };
    const ended = {
      ...run,
      startedAt: at,
      finishedAt: at,
      reason: HOSTILE,
      message: HOSTILE,
      outputTail: HOSTILE,
      requestedBy: HOSTILE,
    };
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'InvalidSpec',
      message: HOSTILE,
      lastTransitionTime: at,
    };
    const spec = { description: HOSTILE, env: [{ name: 'A', value: HOSTILE }], workingDir: `/${HOSTILE}` };
    await cli.client.json({
      method: 'PATCH',
      path,
      contentType,
      body: { spec, metadata: { annotations: { a: HOSTILE } } },
    });
    await cli.client.json({
      method: 'PATCH',
      path: `${path}/status`,
      contentType,
      body: { status: { phase: 'Invalid', conditions: [condition], recentRuns: [ended] } },
    });
  });

  test.each(
    [
      ['cron', 'get', 'hostile'],
      ['cron', 'get', 'hostile', '-o', 'json'],
      ['cron', 'get', 'hostile', '-o', 'yaml'],
      ['cron', 'list', '-o', 'wide'],
      ['cron', 'history', 'hostile'],
      ['cron', 'explain', 'hostile'],
      ['cron', 'report'],
      ['cron', 'export', 'hostile'],
      ['cron', 'pause', 'hostile'],
      ['cron', 'add', '-n', 'hostile', '-s', '@yearly', '-c', 'true', '--dry-run'],
      ['cron', 'get', HOSTILE],
      ['cron', 'logs', 'hostile'],
    ].map((args) => [args]),
  )('does not through the call %$', async (args) => {
    const { stdout, stderr } = await cli.call(args);
    const text = stdout + stderr;
    expect(text).not.toBe('');
    expect(JSON.stringify(CONTROL.exec(text)), JSON.stringify(text)).toBe('null');
    expect(text).not.toMatch(/^error: forged/m);
  });
});
