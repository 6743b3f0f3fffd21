// Which notices an evaluation records, and what the job remembers of them.
import { describe, expect, test } from 'vitest';
import type { Notice, NoticeHome } from '../../../../src/core/notices/notice.ts';
import type { JobSpecInput } from '../../../../src/core/spec/job-spec.ts';
import { slotRunName } from '../../../../src/core/naming.ts';
import { World } from '../../../support/core/world.ts';

const TEAM = [{ channels: ['team'] }];

/** Evaluates each minute; each word is the end of the run of that minute. */
function minutes(world: World, ends: readonly ('ok' | 'fails' | 'stopped')[], from = 1): Notice[] {
  const notices: Notice[] = [];
  const evaluate = (instant?: number) => notices.push(...(world.evaluate(instant).change.notices ?? []));
  for (const [index, end] of ends.entries()) {
    evaluate(Date.UTC(2026, 0, 1, 0, from + index));
    if (end === 'stopped') world.job = { ...world.job, stop: world.running().map(({ name }) => name) };
    if (end === 'stopped') evaluate();
    world.end(end === 'ok' ? {} : end === 'fails' ? { exitCode: 3 } : { signal: 'SIGTERM' });
    evaluate();
  }
  return notices;
}

const kinds = (notices: readonly Notice[]) => notices.map(({ kind }) => kind);
const worldOf = (spec: JobSpecInput) => new World({ schedule: '* * * * *', notify: TEAM, ...spec });

describe('notices of an evaluation', () => {
  test('one for a streak of failures, and one for its end', () => {
    const world = worldOf({});
    const [failed, recovered, ...others] = minutes(world, [
      'ok',
      'fails',
      'fails',
      'stopped',
      'fails',
      'ok',
      'ok',
    ]);
    const run = slotRunName('backup', Date.UTC(2026, 0, 1, 0, 2), 1);
    expect(others).toEqual([]);
    expect(failed).toMatchObject({
      kind: 'Failed',
      channels: ['team'],
      run,
      exitCode: 3,
      attempt: 1,
      failures: 1,
      id: `uid-of-backup/Failed/${run}`,
    });
    expect(recovered).toMatchObject({ kind: 'Recovered', failures: 3 });
    expect(world.job.status?.notices).toBeUndefined();
  });

  test('an attempt that is retried is no failure yet', () => {
    const world = worldOf({ retry: { limit: 1, initialSeconds: 1, jitter: 0 } });
    expect(minutes(world, ['fails'])).toEqual([]);
    world.evaluate(world.now + 2000);
    world.end({ exitCode: 3 });
    expect(world.evaluate().change.notices).toMatchObject([{ kind: 'Failed', attempt: 2, failures: 1 }]);
  });

  test('one for the start of a run, and none for its further attempts', () => {
    const world = worldOf({
      notify: [{ channels: ['team'], events: ['Started', 'Succeeded'] }],
      retry: { limit: 1, initialSeconds: 1, jitter: 0 },
    });
    expect(minutes(world, ['fails'])).toMatchObject([{ kind: 'Started', attempt: 1 }]);
    const second = [world.evaluate(world.now + 2000).change.notices];
    world.end({});
    second.push(world.evaluate().change.notices);
    expect(second).toMatchObject([undefined, [{ kind: 'Succeeded', attempt: 2 }]]);
  });

  test('slots that were missed', () => {
    const world = worldOf({ notify: [{ channels: ['team'], events: ['Missed'] }], missedRunPolicy: 'Skip' });
    world.evaluate();
    world.evaluatingSince = world.now + 3_600_000;
    const { notices } = world.evaluate(world.now + 3_600_000).change;
    expect(notices).toMatchObject([{ kind: 'Missed', reason: 'NotEvaluated' }]);
  });

  test('a job without rules has those of its home, and an empty list asks for none', () => {
    const home: NoticeHome = {
      rules: [{ channels: ['all'], on: ['Failed'], after: 1 }],
      groups: { Failed: { id: 'many', until: 0 } },
    };
    for (const [notify, expected] of [
      [undefined, ['Failed all many']],
      [[], []],
      [TEAM, ['Failed team many']],
    ] as const) {
      const world = new World({ schedule: '* * * * *', notify: notify && [...notify] });
      world.notices = home;
      const told = minutes(world, ['fails', 'fails']);
      expect(told.map(({ kind, channels, group }) => `${kind} ${channels.join()} ${group?.id}`)).toEqual(
        expected,
      );
    }
  });

  test('without rules a failure leaves no trace in the status', () => {
    const world = new World({ schedule: '* * * * *' });
    expect(kinds(minutes(world, ['fails', 'ok', 'fails']))).toEqual([]);
    expect(world.job.status?.notices).toBeUndefined();
  });
});
