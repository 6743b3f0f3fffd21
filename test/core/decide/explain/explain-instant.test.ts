import { describe, expect, test } from 'vitest';
import type { JobDocument, RunDocument, SlotDocument } from '../../../../src/core/document.ts';
import { explainInstant } from '../../../../src/core/decide/explain/explain-instant.ts';
import type { Question } from '../../../../src/core/decide/explain/question.ts';
import { jobSchedule } from '../../../../src/core/schedule/job-schedule.ts';
import { compileSchedule } from '../../../../src/core/schedule/schedule.ts';
import { aSpec } from '../../../support/builders.ts';

const CREATED = '2026-03-01T12:00:00Z';
const NOW = '2026-03-10T12:00:00Z';

function job(over: object = {}): JobDocument {
  return {
    apiVersion: 'lsh.dev/v1alpha1',
    kind: 'LshJob',
    metadata: { name: 'backup', namespace: 'local', uid: 'u', generation: 1, creationTimestamp: CREATED },
    spec: aSpec({ schedule: '0 2 * * *', ...over }),
  };
}

function run(over: Partial<RunDocument> = {}): RunDocument {
  return {
    name: 'backup-1',
    job: 'backup',
    slot: '2026-03-05T02:00:00Z',
    trigger: 'Schedule',
    attempt: 1,
    executor: 'Shell',
    phase: 'Completed',
    createdAt: '2026-03-05T02:00:00Z',
    startedAt: '2026-03-05T02:00:00Z',
    finishedAt: '2026-03-05T02:00:03Z',
    exitCode: 0,
    ...over,
  };
}

function slot(over: Partial<SlotDocument>): SlotDocument {
  const time = '2026-03-05T02:00:00Z';
  return { job: 'backup', from: time, to: time, count: 1, outcome: 'Missed', ...over };
}

function explain(at: string, over: Partial<Question> = {}): string[] {
  const document = over.job ?? job();
  const schedule = compileSchedule({
    expressions: [document.spec.schedule!],
    timeZone: document.spec.timeZone,
    seed: 'local/backup',
    anchor: Date.parse(CREATED),
  });
  const question = { job: document, at: Date.parse(at), now: Date.parse(NOW), schedule, slots: [], runs: [] };
  return explainInstant({ ...question, ...over });
}

const NEXT = 'The next slot is 2026-03-11T02:00:00Z.';

test('says every instant in the zone of the job, with its offset', () => {
  const berlin = job({ timeZone: 'Europe/Berlin' });
  const late = { from: '2026-03-05T01:00:00Z', to: '2026-03-06T01:00:00Z', count: 2 };
  const texts = [
    explain('2026-03-05T01:00:00Z', {
      job: berlin,
      slots: [slot({ ...late, outcome: 'Ran', run: 'backup-1' })],
      runs: [run()],
    }),
    explain('2026-03-05T01:00:00Z', {
      job: berlin,
      slots: [slot({ ...late, cause: 'NotEvaluated', recordedAt: NOW })],
    }),
    explain('2026-03-05T01:30:00Z', { job: berlin }),
    explain('2020-03-05T01:00:00Z', { job: berlin }),
  ].flat();
  expect(texts).toContain(
    'It ran: backup-1 started at 2026-03-05T03:00:00+01:00 and ended as Completed after 3s.',
  );
  expect(texts).toContain('The next slot is 2026-03-11T02:00:00+01:00.');
  expect(texts.join('\n')).not.toMatch(/\dZ/);
});

describe('a slot that a pending run forbade', () => {
  const pending = run({
    executor: 'Job',
    phase: 'Pending',
    message: 'No Pod was created: exceeded quota.',
    startedAt: undefined,
    finishedAt: undefined,
    exitCode: undefined,
  });
  const active = { ...job(), status: { active: [pending] } } as unknown as JobDocument;

  test('names the run in the way, and why it does not get on', () => {
    const time = '2026-03-06T02:00:00Z';
    const forbidden = slot({ from: time, to: time, outcome: 'Forbidden', cause: 'RunActive' });
    expect(explain(time, { job: active, slots: [forbidden] })).toEqual([
      `The slot ${time} did not run (Forbidden): another run of the job was active, and concurrencyPolicy is Forbid.`,
      'The active run is backup-1; it is Pending since 2026-03-05T02:00:00Z: its command has not begun (No Pod was created: exceeded quota).',
      NEXT,
    ]);
  });

  test('does not blame a run that was created later', () => {
    const time = '2026-03-04T02:00:00Z';
    const forbidden = slot({ from: time, to: time, outcome: 'Forbidden', cause: 'RunActive' });
    expect(explain(time, { job: active, slots: [forbidden] })).toHaveLength(2);
  });

  test('its own slot has not run yet', () => {
    const slots = [slot({ outcome: 'Ran', run: 'backup-1' })];
    expect(explain('2026-03-05T02:00:00Z', { job: active, slots, runs: [pending] })[0]).toBe(
      'It has not run yet: backup-1 is Pending since 2026-03-05T02:00:00Z: its command has not begun (No Pod was created: exceeded quota).',
    );
  });
});

describe('a slot that ran', () => {
  const slots = [slot({ outcome: 'Ran', run: 'backup-1' })];

  test('names its run and its result', () => {
    expect(explain('2026-03-05T02:00:00.400Z', { slots, runs: [run()] })).toEqual([
      'It ran: backup-1 started at 2026-03-05T02:00:00Z and ended as Completed after 3s.',
      NEXT,
    ]);
  });

  test('names each attempt in order, and why it failed', () => {
    const failed = { phase: 'Failed', reason: 'ExitCode', exitCode: 7 } as const;
    const runs = [
      run({
        name: 'backup-2',
        attempt: 2,
        ...failed,
        phase: 'Killed',
        reason: 'TimedOut',
        message: 'Took too long.',
      }),
      run(failed),
      run({ name: 'other', slot: '2026-03-04T02:00:00Z' }),
    ];
    expect(explain('2026-03-05T02:00:00Z', { slots, runs }).slice(0, -1)).toEqual([
      'It ran: backup-1 started at 2026-03-05T02:00:00Z and ended as Failed after 3s (ExitCode, exit code 7).',
      'Attempt 2: backup-2 started at 2026-03-05T02:00:00Z and ended as Killed after 3s (TimedOut, exit code 7, Took too long).',
    ]);
  });

  test('names a run that waits or is running', () => {
    const { startedAt: _, finishedAt: __, exitCode: ___, ...waiting } = run({ phase: 'Created' });
    expect(explain('2026-03-05T02:00:00Z', { slots, runs: [waiting] })[0]).toBe(
      'It has not run yet: backup-1 waits since 2026-03-05T02:00:00Z.',
    );
    const status = { active: [run({ name: 'backup-0', phase: 'Running' })] } as JobDocument['status'];
    expect(explain('2026-03-05T02:00:00Z', { slots, runs: [waiting], job: { ...job(), status } })[0]).toBe(
      'It has not run yet: backup-1 waits since 2026-03-05T02:00:00Z; it starts after the end of backup-0.',
    );
    const retry = { ...waiting, name: 'backup-2', attempt: 2, startAfter: '2026-03-05T02:01:00Z' };
    expect(explain('2026-03-05T02:00:00Z', { slots, runs: [run(), retry] })[1]).toBe(
      'Attempt 2 has not run yet: backup-2 waits since 2026-03-05T02:00:00Z, not to start before 2026-03-05T02:01:00Z.',
    );
    const replaced = { ...waiting, phase: 'Killed', reason: 'Replaced', finishedAt: NOW } as const;
    expect(explain('2026-03-05T02:00:00Z', { slots, runs: [replaced] })[0]).toBe(
      'It did not run: backup-1 never started and ended as Killed (Replaced).',
    );
    const { finishedAt: ____, ...running } = run({ phase: 'Running', trigger: 'CatchUp' });
    expect(explain('2026-03-05T02:00:00Z', { slots, runs: [running] })[0]).toBe(
      'It ran late: backup-1 started at 2026-03-05T02:00:00Z and is still running.',
    );
  });

  test('late names the delay and the policy that let it run', () => {
    const late = run({ trigger: 'CatchUp', createdAt: '2026-03-05T05:30:00Z' });
    const second = (over: object) =>
      explain('2026-03-05T02:00:00Z', { slots, runs: [late], job: job(over) })[1];
    expect(second({})).toBe(
      'lsh found the slot 3h 30m late, and missedRunPolicy is Latest: the newest late slot runs.',
    );
    expect(second({ missedRunPolicy: 'All', maxMissedRuns: 7 })).toBe(
      'lsh found the slot 3h 30m late, and missedRunPolicy is All: the newest 7 late slots run.',
    );
    expect(second({ missedRunPolicy: 'Skip' })).toBe('lsh found the slot 3h 30m late.');
  });

  test('names its run although the run is no longer kept', () => {
    expect(explain('2026-03-05T02:00:00Z', { slots })[0]).toBe(
      'The slot 2026-03-05T02:00:00Z ran as backup-1, whose record is no longer kept.',
    );
  });
});

describe('a slot that the clock passed twice', () => {
  const clockEffect = { pass: 2, passUntil: '2026-03-10T12:30:00Z' };

  test('has an answer for each pass, and the next slot is the next that runs', () => {
    const document = job();
    const status = { ...document.status!, clockEffect };
    const slots = [
      slot({ outcome: 'Ran', run: 'backup-1' }),
      slot({ outcome: 'Missed', cause: 'ClockSetAhead', pass: 2 }),
    ];
    const answer = explain('2026-03-05T02:00:00Z', { slots, runs: [run()], job: { ...document, status } });
    expect(answer).toEqual([
      'Pass 2 of the clock over this time (it was set back):',
      'The slot 2026-03-05T02:00:00Z did not run (Missed): the clock was set ahead and jumped over it.',
      'Pass 1 of the clock over this time (it was set back):',
      'It ran: backup-1 started at 2026-03-05T02:00:00Z and ended as Completed after 3s.',
      'The clock was set back and shows times again until 2026-03-10T12:30:00Z: fixed times that ran do not run again if it was set back by at most three hours.',
      NEXT,
    ]);
  });
});

describe('a slot that did not run', () => {
  test.each([
    [
      'Missed',
      'NotEvaluated',
      'lsh did not evaluate schedules then: the daemon was not running, or no operator was leading',
    ],
    ['Forbidden', 'RunActive', 'another run of the job was active, and concurrencyPolicy is Forbid'],
    ['Suspended', 'Suspended', 'the job was suspended'],
    ['DeadlineExceeded', 'StartingDeadline', 'lsh found it later than startingDeadlineSeconds allows'],
    ['Missed', 'SomethingNew', 'SomethingNew'],
  ] as const)('names its outcome %s and its cause %s', (outcome, cause, why) => {
    expect(explain('2026-03-05T02:00:00Z', { slots: [slot({ outcome, cause })] })).toEqual([
      `The slot 2026-03-05T02:00:00Z did not run (${outcome}): ${why}.`,
      NEXT,
    ]);
  });

  test.each([
    [
      'Latest',
      'missedRunPolicy is Latest: of the slots due then, only the newest runs, 2026-03-06T02:00:00Z.',
    ],
    ['Skip', 'missedRunPolicy is Skip: no late slot runs.'],
    ['All', 'missedRunPolicy is All: the newest 10 late slots run (maxMissedRuns).'],
  ])('late under the policy %s names the delay and the policy', (missedRunPolicy, policy) => {
    const missed = slot({ cause: 'EvaluatedLate', recordedAt: '2026-03-06T10:00:00Z' });
    expect(explain('2026-03-05T02:00:00Z', { slots: [missed], job: job({ missedRunPolicy }) })).toEqual([
      'The slot 2026-03-05T02:00:00Z did not run (Missed): lsh evaluated it late: its process was stopped or busy, or the machine slept.',
      `lsh found it 1d 8h late, at 2026-03-06T10:00:00Z. ${policy}`,
      NEXT,
    ]);
  });

  test('before its deadline names the delay', () => {
    const over = { outcome: 'DeadlineExceeded', recordedAt: '2026-03-05T02:01:00Z' } as const;
    const late = slot({ ...over, cause: 'StartingDeadline' });
    expect(explain('2026-03-05T02:00:00Z', { slots: [late] })[1]).toBe(
      'lsh found it 1m late, at 2026-03-05T02:01:00Z.',
    );
  });

  test('as part of a stretch names the stretch', () => {
    const stretch = slot({ from: '2026-03-03T02:00:00Z', to: '2026-03-06T02:00:00Z', count: 4 });
    expect(explain('2026-03-05T02:00:00Z', { slots: [stretch] })[1]).toBe(
      'It is one of 4 slots from 2026-03-03T02:00:00Z to 2026-03-06T02:00:00Z with the same outcome.',
    );
    expect(explain('2026-03-05T03:00:00Z', { slots: [stretch] })[0]).toMatch(/is not a slot/);
  });

  test('because the job is suspended names the command that resumes the job', () => {
    expect(explain('2026-03-05T02:00:00Z', { job: job({ suspend: true }) })).toEqual([
      'The slot 2026-03-05T02:00:00Z did not run: the job is suspended. lsh records the slot when the job resumes.',
      'The job is suspended now: `lsh cron resume backup` lets it run again.',
    ]);
  });

  test('to come in a pause does not run, and one after the pause does', () => {
    const paused = job({ suspend: true, resumeAt: '2099-03-05T02:00:00Z' });
    const during = explain('2099-03-04T02:00:00Z', { job: paused });
    expect(during[0]).toBe(
      '2099-03-04T02:00:00Z is in the future; the schedule has a slot then, and the job does not run while it is suspended.',
    );
    expect(during[1]).toMatch(/^The job is suspended until 2099-03-05T02:00:00Z/);
    expect(explain('2099-03-05T02:00:00Z', { job: paused })[0]).toMatch(/the job is due then\.$/);
  });

  test('and never will names what leaves out the day of the one instant', () => {
    const at = '2099-12-25T06:00:00Z';
    const spec = aSpec({ schedule: undefined, at, exceptDates: ['2099-12-25'] });
    const createdAt = Date.parse(CREATED);
    const schedule = jobSchedule({ key: 'local/backup', spec, createdAt });
    const now = Date.parse(NOW);
    const question = { job: { ...job(), spec }, at: now, now, schedule, slots: [], runs: [] };
    expect(explainInstant(question).at(-1)).toBe(
      `The job is not due at ${at}: exceptDates of the job names its day.`,
    );
  });

  test('and has no record lists the possible reasons', () => {
    expect(explain('2026-03-05T02:00:00Z')[0]).toBe(
      'The schedule has a slot at 2026-03-05T02:00:00Z, but lsh has no record of it.',
    );
  });

  test('and is seconds old asks the user to wait', () => {
    const now = Date.parse('2026-03-10T02:00:05Z');
    expect(explain('2026-03-10T02:00:00Z', { now })[0]).toBe(
      'The slot 2026-03-10T02:00:00Z is only 5s old, and lsh has not evaluated it yet; ask again shortly.',
    );
  });
});

describe('an instant', () => {
  test('that is no slot names the slots around it', () => {
    expect(explain('2026-03-05T14:00:00Z').slice(0, 2)).toEqual([
      '2026-03-05T14:00:00Z is not a slot of "0 2 * * *" in UTC.',
      'The slot before it is 2026-03-05T02:00:00Z, the next one 2026-03-06T02:00:00Z.',
    ]);
    expect(explain('2026-03-01T13:00:00Z')[1]).toBe(
      'There is no slot before it, the next one 2026-03-02T02:00:00Z.',
    );
  });

  test.each([
    ['@reboot', 'The job is due at the next boot.'],
    ['@daemon-start', 'The job is due at the next daemon start.'],
  ])('of a job of %s that ran says when it is due again', (schedule, due) => {
    const ran = [slot({ outcome: 'Ran', run: 'backup-1' })];
    const over = { job: job({ schedule }), slots: ran, runs: [run()] };
    expect(explain('2026-03-05T02:00:00Z', over)).toEqual([expect.stringMatching(/^It ran: backup-1/), due]);
    expect(explain('2026-03-05T14:00:00Z', { job: job({ schedule }) })).toEqual([
      `2026-03-05T14:00:00Z is not a slot of "${schedule}" in UTC.`,
      due,
    ]);
  });

  test('in the future is due or not', () => {
    expect(explain('2026-03-11T02:00:00Z')).toEqual([
      '2026-03-11T02:00:00Z is in the future; the job is due then.',
    ]);
    const message = 'There is no calendar named "holidays".';
    const conditions = [{ type: 'Ready', status: 'False', reason: 'CalendarUnknown', message }];
    const invalid = {
      ...job(),
      status: { phase: 'Invalid', active: [], conditions },
    } as unknown as JobDocument;
    expect(explain('2026-03-11T02:00:00Z', { job: invalid })).toEqual([
      '2026-03-11T02:00:00Z is in the future; the job is due then, and does not start before this is corrected: There is no calendar named "holidays".',
    ]);
  });

  test('outside notBefore and notAfter says when the schedule begins or has ended', () => {
    const ended = job({ notAfter: '2026-03-09T00:00:00Z' });
    const schedule = compileSchedule({
      expressions: ['0 2 * * *'],
      timeZone: 'UTC',
      seed: '',
      anchor: 0,
      notAfter: Date.parse('2026-03-09T00:00:00Z'),
    });
    expect(explain('2026-03-05T14:00:00Z', { job: ended, schedule }).at(-1)).toBe(
      'The schedule has no further slot; notAfter is 2026-03-09T00:00:00Z.',
    );
    expect(explain('2026-03-05T14:00:00Z', { job: job({ notBefore: '2026-03-10T20:00:00Z' }) })).toContain(
      'The schedule begins at 2026-03-10T20:00:00Z (notBefore).',
    );
  });

  test('before the job was created has no record', () => {
    expect(explain('2026-02-01T02:00:00Z')[0]).toBe(
      '2026-02-01T02:00:00Z is before the job was created (2026-03-01T12:00:00Z), so lsh kept no record.',
    );
  });

  test('at which a user requested a run names the run', () => {
    const manual = run({
      name: 'backup-m',
      trigger: 'Manual',
      requestedBy: 'ada',
      slot: '2026-03-05T14:00:00Z',
    });
    expect(explain('2026-03-05T14:00:00Z', { runs: [manual] })[2]).toBe(
      'ada requested a run then: backup-m started at 2026-03-05T02:00:00Z and ended as Completed after 3s.',
    );
  });
});

describe('a day that is left out', () => {
  const left = job({ schedule: '0 */12 * * *', exceptDates: ['2026-03-05', '2026-03-10', '2026-03-12'] });
  const schedule = jobSchedule({ key: 'local/backup', spec: left.spec, createdAt: Date.parse(CREATED) });
  const next = 'The next slot is 2026-03-11T00:00:00Z.';
  const ask = (at: string, slots: SlotDocument[] = []) => explain(at, { job: left, schedule, slots });

  test('is named as the cause of its slots, beside a missed stretch that spans it', () => {
    const excluded = slot({
      from: '2026-03-05T00:00:00Z',
      to: '2026-03-05T12:00:00Z',
      count: 2,
      outcome: 'Excluded',
      cause: 'exceptDates',
    });
    const missed = slot({
      from: '2026-03-04T00:00:00Z',
      to: '2026-03-06T12:00:00Z',
      count: 4,
      cause: 'NotEvaluated',
    });
    expect(ask('2026-03-05T12:00:00Z', [missed, excluded])).toEqual([
      'The slot 2026-03-05T12:00:00Z did not run (Excluded): exceptDates of the job names its day.',
      'It is one of 2 slots from 2026-03-05T00:00:00Z to 2026-03-05T12:00:00Z with the same outcome.',
      next,
    ]);
    expect(ask('2026-03-06T00:00:00Z', [missed, excluded])[0]).toContain('(Missed)');
  });

  test('is named before its record exists, and for a day to come', () => {
    expect(ask('2026-03-10T00:00:00Z')[0]).toBe(
      'The slot 2026-03-10T00:00:00Z did not run: exceptDates of the job names its day. lsh records the slots of a day that is left out with the last of them.',
    );
    expect(ask('2026-03-12T00:00:00Z')[0]).toBe(
      '2026-03-12T00:00:00Z is in the future, and the job is not due then: exceptDates of the job names its day.',
    );
  });
});
