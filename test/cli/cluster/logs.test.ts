// `lsh cron logs --cluster`: of a Kubernetes Job through the API server to the log of the run’s pod, of a shell run to a
// command in the operator’s pod.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lshJobPath } from '../../../src/kubernetes/objects/lsh-job.ts';
import { KUBE_MINOR, NO_KUBE } from '../../support/cluster/kube.ts';
import type { JobDocument } from '../../../src/core/document.ts';
import { eventually } from '../../support/eventually.ts';
import { PlayedKubelet } from '../../support/cluster/played-kubelet.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';

describe.skipIf(NO_KUBE)('logs of Kubernetes Jobs', () => {
  let kubelet: PlayedKubelet;
  const cli = aTestCluster('logs', { controller: true });

  beforeAll(async () => {
    await cli.client.json({
      method: 'POST',
      path: '/api/v1/namespaces/logs/serviceaccounts',
      body: { metadata: { name: 'default' } },
    });
    kubelet = await PlayedKubelet.start(cli.environment, cli.client);
  });
  afterAll(() => kubelet?.stop());

  async function started(name: string): Promise<string> {
    await cli.ok(['cron', 'add', '-n', name, '-s', '@yearly', '-c', 'true']);
    return (await cli.ok(['cron', 'trigger', name, '-o', 'name'])).trim();
  }

  test('the whole log of the container is printed, byte for byte', async () => {
    const run = await started('whole');
    await kubelet.runPod(cli.client, 'logs', { job: 'whole', run });
    await eventually(async () => {
      const { status } = await cli.json<JobDocument>('cron', 'get', 'whole');
      return status?.active[0]?.phase === 'Running';
    });
    const printed = cli.call(['cron', 'logs', 'whole']);
    const { url, response } = await kubelet.request();
    expect(url).toMatch(new RegExp(`^/containerLogs/logs/${run}-pod/run`));
    const bytes = Buffer.from('a\u0000b\r\n\u001b[1m\n');
    response.end(bytes);
    expect(await printed).toMatchObject({ status: 0, stdout: bytes.toString(), stderr: '' });
  });

  test('-f waits for the pod, follows it, and resumes after a broken connection without repeated bytes', async () => {
    const run = await started('followed');
    const printed = cli.call(['cron', 'logs', '-f', 'followed']);
    await kubelet.runPod(cli.client, 'logs', { job: 'followed', run });
    const first = await kubelet.request();
    expect(first.url).toContain('follow=true');
    await new Promise<void>((resolve) => first.response.write('one\ntw', () => resolve()));
    first.response.destroy();
    const second = await kubelet.request();
    await kubelet.endPod(cli.client, 'logs', run);
    second.response.end('one\ntwo\nthree\n');
    expect(await printed).toMatchObject({ status: 0, stdout: 'one\ntwo\nthree\n' });
  });

  test('without a pod, the end from the status is printed, or an error that nothing is kept', async () => {
    const run = await started('gone');
    const path = `${lshJobPath('logs', 'gone')}/status`;
    const contentType = 'application/merge-patch+json';
    await cli.controller!.stop();
    const end = (outputTail?: string, executor = 'Job') => ({
      name: run,
      job: 'gone',
      slot: '2026-01-01T00:00:00Z',
      trigger: 'Manual',
      attempt: 1,
      executor,
      phase: 'Completed',
      createdAt: '2026-01-01T00:00:00Z',
      startedAt: '2026-01-01T00:00:00Z',
      finishedAt: '2026-01-01T00:00:01Z',
      ...(outputTail !== undefined && { outputTail }),
    });
    const body = (...shown: Parameters<typeof end>) => ({
      status: { active: [], recentRuns: [end(...shown)] },
    });
    await cli.client.json({ method: 'PATCH', path, contentType, body: body('the end\n') });
    const kept = await cli.call(['cron', 'logs', 'gone']);
    expect(kept).toMatchObject({ status: 0, stdout: 'the end\n' });
    expect(kept.stderr).toContain('its pod is gone');
    await cli.client.json({ method: 'PATCH', path, contentType, body: body() });
    const lost = await cli.call(['cron', 'logs', 'gone']);
    expect(lost).toMatchObject({ status: 4, stdout: '' });
    expect(lost.stderr).toMatch(/its pod is gone[^]*\[LOG_NOT_KEPT\]/);
    const entry = { ...end(), startedAt: null };
    await cli.client.json({ method: 'PATCH', path, contentType, body: { status: { recentRuns: [entry] } } });
    const never = await cli.call(['cron', 'logs', 'gone']);
    expect(never.stderr).toMatch(/its command never began[^]*lsh cron history[^]*\[LOG_NOT_KEPT\]/);
    await cli.client.json({ method: 'PATCH', path, contentType, body: body(undefined, 'Shell') });
    const shell = await cli.call(['cron', 'logs', 'gone']);
    expect(shell.stderr).toMatch(/captureOutput[^]*\[LOG_NOT_KEPT\]/);
    expect(shell.stderr).not.toContain('pod');
  });

  // A later API server speaks SPDY to the kubelet.
  describe.skipIf(KUBE_MINOR >= 30)('of a shell run', () => {
    const POD = 'operator';
    const run = { name: 'shell-1', job: 'shell', trigger: 'Manual', attempt: 1, executor: 'Shell' };
    const at = '2026-01-01T00:00:00Z';

    beforeAll(async () => {
      // Without an operator the status stays as the test writes it.
      await cli.controller!.stop();
      await kubelet.createPod(cli.client, 'logs', { metadata: { name: POD }, container: 'shell' });
      await cli.ok(['cron', 'add', '-n', 'shell', '-s', '@yearly', '-c', 'true', '--executor', 'shell']);
    });

    const write = (end: object = {}) => {
      const phase = { phase: 'Running', host: `logs/${POD}`, slot: at, createdAt: at, startedAt: at };
      const entry = { ...run, ...phase, ...end };
      const isOver = 'finishedAt' in end;
      return cli.client.json({
        method: 'PATCH',
        path: `${lshJobPath('logs', 'shell')}/status`,
        contentType: 'application/merge-patch+json',
        body: { status: { active: isOver ? [] : [entry], recentRuns: isOver ? [entry] : [] } },
      });
    };
    const END = { phase: 'Completed', finishedAt: at, outputBytes: 4000, outputTail: 'the end\n' };
    const logs = (...flags: string[]) => cli.call(['cron', 'logs', 'shell', ...flags]);

    test('-f waits for the first byte, and resumes after a broken connection without repeated bytes', async () => {
      await write();
      const printed = logs('-f');
      const first = await kubelet.exec();
      const command = ['lsh', 'runner', 'logs', '--follow', '--until-eof', 'logs/shell-1'];
      expect(first.url.pathname).toBe(`/exec/logs/${POD}/shell`);
      expect(first.url.searchParams.getAll('command')).toEqual(command);
      // The runner does not know the run yet.
      first.write('status', { status: 'Success' });
      const second = await kubelet.exec();
      second.write('stdout', 'one\ntw');
      second.breakOff();
      const third = await kubelet.exec();
      third.write('stdout', 'one\ntwo\n');
      third.write('stderr', 'not output\n');
      third.write('stdout', 'three\n');
      third.write('status', { status: 'Success' });
      expect(await printed).toMatchObject({ status: 0, stdout: 'one\ntwo\nthree\n', stderr: '' });
    });

    test.each([
      ['2', 'error: Unknown command `logs`.\n', `its pod ${POD} has an older lsh`],
      ['1', 'hint\nthe runner\u001B[2J does not answer.\n', 'the runner [2J does not answer'],
    ])(
      'of a pod that answers with status %s, the end in the LshJob is printed, and why',
      async (code, stderr, why) => {
        await write(END);
        const printed = logs();
        const asked = await kubelet.exec();
        asked.write('stderr', stderr);
        const causes = [{ reason: 'ExitCode', message: code }];
        asked.write('status', { status: 'Failure', reason: 'NonZeroExitCode', details: { causes } });
        const { status, stdout, stderr: said } = await printed;
        expect({ status, stdout }).toEqual({ status: 0, stdout: 'the end\n' });
        expect(said).toMatch(/^note: Only the end of the output of shell-1 is kept \(8 bytes\): /);
        expect(said).toContain(`: ${why}. Until its pod ends, the whole is there: kubectl exec ${POD} `);
      },
    );

    test('a pod that lost the output is named, and a break in the middle fails', async () => {
      await write(END);
      const lost = logs();
      (await kubelet.exec()).write('status', { status: 'Success' });
      expect((await lost).stderr).toContain('is kept (8 bytes): its pod no longer has it.');
      const broken = logs();
      const asked = await kubelet.exec();
      asked.write('stdout', 'the begin');
      asked.breakOff();
      const { status, stdout, stderr } = await broken;
      expect(stdout).toBe('the begin');
      expect({ status, stderr }).toMatchObject({ status: 4 });
      expect(stderr).toMatch(/after 9 bytes, the connection to the pod broke\.[^]*\[LOG_NOT_KEPT\]/);
    });
  });
});
