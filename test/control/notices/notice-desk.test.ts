// The group that a notice joins when many jobs have one at once.
import { expect, test } from 'vitest';
import { NoticeDesk } from '../../../src/control/notices/notice-desk.ts';
import { noticesDue } from '../../../src/core/notices/due.ts';
import { aJob, T0 } from '../../support/builders.ts';

/** Each of the jobs fails at its instant, milliseconds after T0; returns the group of each notice. */
function failures(desk: NoticeDesk, instants: readonly number[]): (string | undefined)[] {
  return instants.map((instant, index) => {
    const job = aJob({}, { name: `job-${index}` });
    const now = T0 + instant;
    const { rules, groups } = desk.homeOf(job, now);
    const run = { name: `job-${index}-1`, slot: T0, attempt: 1, phase: 'Failed' };
    const { notices } = noticesDue({
      uid: job.uid,
      rules,
      memory: undefined,
      happenings: [{ kind: 'Ended', run }],
      now,
    });
    const group = groups?.Failed;
    desk.decided(notices.map((notice) => ({ ...notice, ...(group && { group }) })));
    return group?.id;
  });
}

test('five jobs that fail within a minute are told one by one, and all further ones together', () => {
  const groups = failures(
    new NoticeDesk(['team']),
    Array.from({ length: 1000 }, (_, index) => index * 10),
  );
  expect(groups.slice(0, 5)).toEqual(Array.from({ length: 5 }));
  expect(new Set(groups.slice(5))).toEqual(new Set([`uid-of-job-5/Failed/many-${Math.floor(T0 / 1000)}`]));
});

test('while the storm lasts, each minute has a group of its own; after a quiet minute notices are single again', () => {
  const storm = Array.from({ length: 30 }, (_, index) => index * 6000);
  const groups = failures(new NoticeDesk(['team']), [...storm, 300_000]);
  expect(new Set(groups).size).toBe(4);
  expect(groups.at(-1)).toBeUndefined();
});

test('starts are told one by one', () => {
  const desk = new NoticeDesk(['team']);
  const starts = Array.from({ length: 10 }, (_, index) => index);
  desk.decided(starts.map((id) => ({ id: `${id}`, kind: 'Started', channels: ['team'], at: T0 })));
  expect(desk.homeOf(aJob(), T0).groups).toEqual({});
});

test('without channels it has no rule', () => {
  expect(new NoticeDesk([]).homeOf(aJob(), T0).rules).toEqual([]);
});
