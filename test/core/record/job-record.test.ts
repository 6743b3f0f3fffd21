// What the team's history records of a job: everything but the values of variables.
import { describe, expect, test } from 'vitest';
import { auditPayload, changeAction, jobPayload } from '../../../src/core/record/job-record.ts';
import { aJob, T0 } from '../../support/builders.ts';

const CANARY = 'hunter2-canary';
const env = [{ name: 'TOKEN', value: CANARY }];
const CHANGE = { action: 'Added', at: T0, actor: 'ada' } as const;

describe('the row of a job', () => {
  test('has the names of variables and no value of them, wherever they stand', () => {
    const podTemplate = {
      spec: { containers: [{ name: 'main', env }], initContainers: [{ name: 'first', env }] },
    };
    const job = aJob(
      { env, job: { image: 'busybox', podTemplate } },
      {
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ env }),
          owner: 'ops',
        },
      },
    );
    const payload = jobPayload(job, CHANGE);
    expect(JSON.stringify(payload)).not.toContain(CANARY);
    expect(payload).toMatchObject({
      spec: {
        env: [{ name: 'TOKEN' }],
        job: { podTemplate: { spec: { containers: [{ name: 'main', env: [{ name: 'TOKEN' }] }] } } },
      },
      annotations: { owner: 'ops' },
      changedAt: T0,
      changedBy: 'ada',
      isRemoved: false,
    });
  });

  test('has no value of a variable that a text of the job repeats, and its schedule as it is', () => {
    const schedule = '0 2 * * 0';
    const variables = [...env, { name: 'WHEN', value: schedule }];
    const args = ['curl', '-u', `ada:${CANARY}`, `--data=${Buffer.from(CANARY).toString('base64url')}`];
    const job = aJob(
      { env: variables, args, schedule, description: `with ${CANARY}` },
      { annotations: { note: CANARY } },
    );
    const payload = jobPayload(job, CHANGE);
    expect(payload).toMatchObject({
      spec: { args: ['curl', '-u', 'ada:***', expect.stringMatching(/^--data=\*\*\*/)], schedule },
      annotations: { note: '***' },
    });
    expect(JSON.stringify(payload)).not.toContain(CANARY);
  });

  test('has the values of variables if the job says so, and still no secret that a text names', () => {
    const command = `curl -H 'x: ${CANARY}' postgres://ada:another-secret@db`;
    const payload = jobPayload(aJob({ env, command, recordEnv: true }), CHANGE);
    expect(payload?.spec).toMatchObject({
      env,
      command: `curl -H 'x: ${CANARY}' postgres://ada:***@db`,
      recordEnv: true,
    });
  });

  test('keeps where a variable comes from', () => {
    const from = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }];
    expect(jobPayload(aJob({ env: from }), CHANGE)).toMatchObject({ spec: { env: from } });
  });

  test('says that the job was removed', () => {
    expect(jobPayload(aJob(), { ...CHANGE, action: 'Removed' })).toMatchObject({ isRemoved: true });
  });

  test.each(['Triggered', 'Stopped'] as const)('is not written when a run is %s', (action) => {
    expect(jobPayload(aJob(), { ...CHANGE, action })).toBeUndefined();
  });
});

describe('the audit row', () => {
  test('names the fields that changed, and no value of a variable', () => {
    const before = aJob({ command: 'old', env: [{ name: 'TOKEN', value: 'another' }] });
    const payload = auditPayload(aJob({ command: 'new', env }), { ...CHANGE, action: 'Configured', before });
    expect(payload.changes).toContainEqual({ path: 'command', before: 'old', after: 'new' });
    expect(payload.changes.map(({ path }) => path)).toContain('env.TOKEN');
    expect(JSON.stringify(payload)).not.toMatch(new RegExp(`${CANARY}|another`));
  });

  test('has no value of a variable that a text repeats, of the job before or after', () => {
    const before = aJob({ command: 'echo before-canary', env: [{ name: 'TOKEN', value: 'before-canary' }] });
    const job = aJob({ command: `echo ${CANARY} before-canary`, env });
    const payload = auditPayload(job, { ...CHANGE, action: 'Configured', before });
    expect(payload.changes).toContainEqual({ path: 'command', before: 'echo ***', after: 'echo *** ***' });
  });

  test('of a new job names no fields', () => {
    expect(auditPayload(aJob({ env }), CHANGE)).toMatchObject({ action: 'Added', actor: 'ada', changes: [] });
  });
});

test.each([
  ['Paused', aJob(), aJob({ suspend: true })],
  ['Resumed', aJob({ suspend: true }), aJob()],
  ['Configured', aJob(), aJob({ suspend: true, command: 'other' })],
  ['Configured', aJob(), aJob({}, { labels: { a: 'b' } })],
] as const)('a job is %s', (action, before, after) => {
  expect(changeAction(before, after)).toBe(action);
});
