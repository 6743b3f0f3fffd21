// The CRD of LshJob on a real API server: what the server admits, refuses, defaults and prints.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiException } from '@kubernetes/client-node';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { statusBody } from '../../../src/kubernetes/api/api-errors.ts';
import { lshJobPath, type LshJob } from '../../../src/kubernetes/objects/lsh-job.ts';
import { eventually } from '../../support/eventually.ts';
import { KUBE_MINOR, kubectl, KubeEnvironment, NO_KUBE } from '../../support/cluster/kube.ts';

// Before 1.25 the server has no CEL rules, and the operator alone checks them.
const NO_RULES = KUBE_MINOR < 25;

function manifest(name: string, spec: object): object {
  return { apiVersion: 'lsh.dev/v1alpha1', kind: 'LshJob', metadata: { name }, spec };
}

const GOOD = { schedule: '0 2 * * 0', command: 'lsh push --env prod' };

describe.skipIf(NO_KUBE)('the CRD of LshJob', () => {
  let environment: KubeEnvironment;
  let client: KubeClient;

  beforeAll(async () => {
    environment = await KubeEnvironment.start();
    client = await environment.client();
  });
  afterAll(() => environment?.stop());

  const create = (name: string, spec: object) =>
    client.json<LshJob>({
      method: 'POST',
      path: lshJobPath('default'),
      body: manifest(name, spec),
    });

  async function refusal(name: string, spec: object): Promise<string> {
    const outcome = await create(name, spec).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(ApiException);
    return statusBody(outcome)?.message ?? '';
  }

  test('the server fills in defaults', async () => {
    const { spec } = await create('defaults', { ...GOOD, retry: { limit: 2 } });
    expect(spec).toMatchObject({
      suspend: false,
      concurrencyPolicy: 'Forbid',
      missedRunPolicy: 'Latest',
      retry: { limit: 2, initialSeconds: 10, factor: 2, maxSeconds: 300, jitter: 0.1 },
      priority: 5,
      successfulRunsHistoryLimit: 3,
    });
    expect(spec).not.toHaveProperty('executor');
  });

  test('free-form fields are kept, and unknown fields are dropped', async () => {
    const affinity = { nodeAffinity: { deep: [{ key: 'a', values: ['b'] }] } };
    const { spec } = await create('free-form', {
      ...GOOD,
      job: { image: 'busybox', affinity, podTemplate: { spec: { hostNetwork: true } } },
      colour: 'red',
    });
    expect(spec).toMatchObject({ job: { affinity, podTemplate: { spec: { hostNetwork: true } } } });
    expect(spec).not.toHaveProperty('colour');
  });

  test.each([
    ['a number where text belongs', { schedule: 5 }, 'spec.schedule'],
    ['a policy that there is not', { concurrencyPolicy: 'Perhaps' }, 'spec.concurrencyPolicy'],
    ['more retries than the limit', { retry: { limit: 101 } }, 'spec.retry.limit'],
    ['an instant that is none', { notBefore: 'tomorrow' }, 'spec.notBefore'],
    ['a variable named with a dash', { env: [{ name: 'A-B', value: '' }] }, /spec\.env(\[0\])?\.name/],
  ])('%s is refused by the schema', async (_, part, path) => {
    expect(await refusal('schema', { ...GOOD, ...part })).toMatch(path);
  });

  test.each([
    ['a minute out of range', { schedule: '61 * * * *' }],
    ['six words with a year', { schedule: '0 2 * * 0 2026' }],
    ['a month that there is not', { schedule: '0 0 * FOO *' }],
    ['a macro that there is not', { schedule: '@dayly' }],
    ['a bad one of several', { schedule: undefined, schedules: ['@daily', '0 24 * * *'] }],
  ])('a schedule with %s is refused by the pattern of its fault', async (_, part) => {
    const message = await refusal('schedule', { ...GOOD, ...part });
    expect(message).toMatch(/spec\.schedules?/);
    expect(message).toContain('should match');
    expect(message.length).toBeLessThan(2000);
  });

  test.each(['@Every 2 Min, 5 sec', '@DAILY', '0 0 l-3w jan-Mar *', '\t5~ H(0-7)  ? * fri#L,01#2 '])(
    'the schedule %j passes the patterns',
    async (schedule) => {
      await create(`passing-${Buffer.from(schedule).toString('hex')}`, { ...GOOD, schedule });
    },
  );

  test('a schedule that no pattern can refuse is the operator’s to refuse', async () => {
    await create('february', { ...GOOD, schedule: '0 0 30 2 *' });
  });

  test.skipIf(NO_RULES).each([
    ['both command and args', { args: ['true'] }, 'exactly one of command and args'],
    [
      'an entrypoint beside a command',
      { job: { image: 'a', entrypointArgs: [] } },
      'exactly one of command and args is required, or job.entrypointArgs alone',
    ],
    [
      'an entrypoint without an image',
      { command: undefined, job: { entrypointArgs: [] } },
      'job.entrypointArgs needs job.image',
    ],
    ['both schedule and schedules', { schedules: ['@daily'] }, 'exactly one of schedule, schedules and at'],
    ['neither a schedule nor after', { schedule: undefined }, 'or after alone'],
    [
      'after beside at',
      { schedule: undefined, at: '2026-12-24T10:00:00Z', after: [{ job: 'a' }] },
      'beside at',
    ],
    ['a job block for a shell run', { executor: 'Shell', job: { image: 'a' } }, 'executor Job only'],
    ['background children of a Kubernetes Job', { backgroundChildren: 'keep' }, 'executor Shell only'],
    ['a relative working directory', { workingDir: 'here' }, 'absolute path'],
    ['@reboot', { schedule: '@reboot' }, 'local daemon only'],
    ['@daemon-start', { schedule: undefined, schedules: ['@daemon-start'] }, 'local daemon only'],
    [
      'an end before the beginning',
      { notBefore: '2026-02-01T00:00:00Z', notAfter: '2026-01-01T00:00:00Z' },
      'later than notBefore',
    ],
    ['a longest delay below the first', { retry: { initialSeconds: 20, maxSeconds: 10 } }, 'maxSeconds'],
    ['a variable without a value', { env: [{ name: 'A' }] }, 'exactly one of value and valueFrom'],
    [
      'a source with two kinds',
      { envFrom: [{ configMapRef: {}, secretRef: {} }] },
      'exactly one of configMapRef',
    ],
    ['an env file', { envFrom: [{ file: '/a' }] }, 'local daemon only'],
  ])('%s is refused by a rule', async (_, part, message) => {
    expect(await refusal('rule', { ...GOOD, ...part })).toContain(message);
  });

  test('a job that follows another needs no schedule, and may have one', async () => {
    const after = [{ job: 'backup' }];
    expect((await create('follows', { command: 'true', after })).spec).toMatchObject({ after });
    expect((await create('follows-too', { ...GOOD, after })).spec).toMatchObject({ after });
  });

  test('an entrypoint with its image needs no command', async () => {
    const job = { image: 'renovate:41', entrypointArgs: [] };
    expect((await create('entrypoint', { schedule: '@daily', job })).spec).toMatchObject({ job });
  });

  test.skipIf(NO_RULES)('a spec without command and args is refused', async () => {
    expect(await refusal('nothing', { schedule: '@daily' })).toContain('exactly one of command and args');
  });

  test.skipIf(NO_RULES)('a name of 63 characters is admitted, and one of 64 is refused', async () => {
    await create('n'.repeat(63), GOOD);
    expect(await refusal('n'.repeat(64), GOOD)).toContain('at most 63');
  });

  test('only the status path writes a status', async () => {
    const created = await create('status', GOOD);
    const status = { phase: 'Scheduled', nextScheduleTime: '2026-03-01T02:00:00Z' };
    const path = lshJobPath('default', 'status');
    const type = 'application/merge-patch+json';
    const ignored = await client.json<LshJob>({
      method: 'PATCH',
      path,
      body: { status },
      contentType: type,
    });
    expect(ignored.status).toBeUndefined();
    const written = await client.json<LshJob>({
      method: 'PATCH',
      path: `${path}/status`,
      body: { status, spec: { suspend: true } },
      contentType: type,
    });
    expect(written.status).toMatchObject(status);
    expect(written.spec).toMatchObject({ suspend: false });
    expect(written.metadata.generation).toBe(created.metadata.generation);
  });

  test('kubectl prints the columns, by the short name too', async () => {
    const { metadata } = await create('shown', GOOD);
    const run = { name: 'shown-1', phase: 'Failed', reason: 'ExitCode', exitCode: 3 };
    await client.json({
      method: 'PATCH',
      path: `${lshJobPath('default', metadata.name)}/status`,
      body: { status: { phase: 'Failing', recentRuns: [run] } },
      contentType: 'application/merge-patch+json',
    });
    const table = await kubectl(environment, 'get', 'lj', 'shown');
    expect(table.split('\n')[0]).toMatch(
      /^NAME\s+SCHEDULE\s+SUSPEND\s+PHASE\s+RESULT\s+LAST\s+NEXT\s+AGE\s*$/,
    );
    expect(table).toMatch(/shown\s+0 2 \* \* 0\s+false\s+Failing\s+Failed/);
    const wide = await kubectl(environment, 'get', 'lj', 'shown', '-o', 'wide');
    expect(wide).toMatch(/EXECUTOR\s+ZONE\s+REASON\s+COMPLETED\s+FAILED/);
    expect(wide).toMatch(/ ExitCode /);
  });

  test('kubectl explains each field', async () => {
    // The server publishes the schema of a new CRD a little after it serves it.
    const explain = () => kubectl(environment, 'explain', 'lshjob.spec.retry');
    const text = await eventually(() => explain().catch(() => undefined));
    expect(text).toContain('Whether and when lsh repeats a failed attempt.');
    expect(text).toMatch(/onExitCodes/);
  });
});
