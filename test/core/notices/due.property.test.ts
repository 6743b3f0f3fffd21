// Random histories: the notices that are sent are those that the rules ask for. The second implementation looks at the whole
// history of one channel at a time and remembers nothing.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noticesDue } from '../../../src/core/notices/due.ts';
import {
  NOTICE_KINDS,
  type Happening,
  type Notice,
  type NoticeMemory,
  type NoticeRule,
} from '../../../src/core/notices/notice.ts';
import { seeded } from '../../support/seed.ts';

const CHANNELS = ['team', 'ann', 'pager'] as const;

const rule: fc.Arbitrary<NoticeRule> = fc.record({
  channels: fc.subarray([...CHANNELS], { minLength: 1 }),
  on: fc.subarray([...NOTICE_KINDS], { minLength: 1 }),
  after: fc.integer({ min: 1, max: 4 }),
  repeatMs: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
});

const end = fc.constantFrom(
  { phase: 'Completed' },
  { phase: 'Failed', reason: 'ExitCode' },
  { phase: 'Failed', reason: 'Lost' },
  { phase: 'Killed', reason: 'TimedOut' },
  { phase: 'Killed', reason: 'StoppedByUser' },
  { phase: 'Killed', reason: 'Replaced' },
);

/** What happened in one step, and the milliseconds since the step before. */
const step = fc.record({
  after: fc.integer({ min: 0, max: 9 }),
  what: fc.oneof(
    { weight: 6, arbitrary: end },
    { weight: 1, arbitrary: fc.constantFrom('Missed', 'Overdue', 'Slow', 'Stuck', 'Started') },
  ),
  /** Whether the same evaluation goes on with the next step. */
  goesOn: fc.boolean(),
});

interface Happened {
  at: number;
  happening: Happening;
}

function historyOf(steps: readonly { after: number; what: object | string }[]): Happened[] {
  let at = 0;
  return steps.map(({ after, what }, index) => {
    at += after;
    const run = { name: `job-${index}`, slot: index * 1000, attempt: 1, phase: 'Running' };
    const message = 'a sentence';
    if (typeof what === 'object') return { at, happening: { kind: 'Ended', run: { ...run, ...what } } };
    if (what === 'Missed')
      return { at, happening: { kind: what, slot: index * 1000, count: 2, cause: 'NotEvaluated' } };
    if (what === 'Overdue') return { at, happening: { kind: what, since: index * 1000, message } };
    if (what === 'Started') return { at, happening: { kind: what, run } };
    return { at, happening: { kind: what as 'Slow' | 'Stuck', run, message } };
  });
}

const isGood = ({ happening }: Happened) => happening.kind === 'Ended' && happening.run.phase === 'Completed';
const isBad = ({ happening }: Happened) =>
  happening.kind === 'Ended' && (happening.run.phase === 'Failed' || happening.run.reason === 'TimedOut');

/** What one channel hears: the kind, and the index in the history. */
function heardBy(channel: string, rules: readonly NoticeRule[], history: readonly Happened[]): string[] {
  const own = rules.filter(({ channels }) => channels.includes(channel));
  const wants = (kind: string) => own.filter(({ on }) => on.some((one) => one === kind));
  const heard: string[] = [];
  let failures: { at: number; index: number }[] = [];
  let told: number[] = [];
  for (const [index, happened] of history.entries()) {
    const { happening, at } = happened;
    if (happening.kind !== 'Ended') {
      if (wants(happening.kind).length > 0) heard.push(`${happening.kind} ${index}`);
    } else if (isBad(happened)) {
      failures.push({ at, index });
      const last = told.at(-1);
      const isDue = wants('Failed').some(({ after, repeatMs = Infinity }) =>
        last === undefined ? failures.length >= after : at - last >= repeatMs,
      );
      if (isDue) heard.push(`Failed ${index}`);
      if (isDue) told.push(at);
    } else if (isGood(happened)) {
      const isRecovery = wants('Recovered').some(
        ({ on, after }) =>
          told.length > 0 || (!on.includes('Failed') && failures.length > 0 && failures.length >= after),
      );
      if (isRecovery) heard.push(`Recovered ${index}`);
      if (wants('Succeeded').length > 0) heard.push(`Succeeded ${index}`);
      failures = [];
      told = [];
    }
  }
  return heard;
}

/** Plays the history in evaluations; what the job remembers goes through JSON, as in a ledger. */
function play(
  rules: readonly NoticeRule[],
  history: readonly Happened[],
  cuts: readonly boolean[],
): Notice[] {
  const sent: Notice[] = [];
  let memory: NoticeMemory | undefined;
  for (let from = 0; from < history.length;) {
    let to = from + 1;
    while (to < history.length && cuts[to - 1] && history[to]!.at === history[from]!.at) to++;
    const happenings = history.slice(from, to).map(({ happening }) => happening);
    const answer = noticesDue({ uid: 'uid', rules, memory, happenings, now: history[from]!.at });
    sent.push(...answer.notices);
    memory = answer.memory && (JSON.parse(JSON.stringify(answer.memory)) as NoticeMemory);
    from = to;
  }
  return sent;
}

test('each channel hears what its rules ask for, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), fc.array(step, { maxLength: 40 }), (rules, steps) => {
      const history = historyOf(steps);
      const cuts = steps.map(({ goesOn }) => goesOn);
      const sent = play(rules, history, cuts);
      for (const channel of CHANNELS) {
        const got = sent
          .filter(({ channels }) => channels.includes(channel))
          .map(
            ({ kind, run, slot }) => `${kind} ${run === undefined ? slot! / 1000 : run.slice('job-'.length)}`,
          );
        expect(got).toEqual(heardBy(channel, rules, history));
      }
      expect(new Set(sent.map(({ id }) => id)).size).toBe(sent.length);
      expect(sent.filter(({ channels }) => new Set(channels).size < channels.length)).toEqual([]);
      expect(sent.filter(({ id }) => id.includes('.'))).toEqual([]);
    }),
    seeded({ numRuns: 2000 }),
  );
});

test('an evaluation that is repeated after a crash gives the same notices', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 3 }),
      fc.array(step, { maxLength: 20 }),
      (rules, steps) => {
        const history = historyOf(steps);
        const cuts = steps.map(() => false);
        expect(play(rules, history, cuts)).toEqual(play(rules, history, cuts));
      },
    ),
    seeded({ numRuns: 200 }),
  );
});
