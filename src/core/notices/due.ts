// Which notices are due after an evaluation: the rules of a job, what it remembers, and what happened. Pure; the ledger
// records the answer together with what happened, so that a crash loses neither.
import {
  type EndedRun,
  type Happening,
  type Notice,
  type NoticeKind,
  type NoticeMemory,
  type NoticeRule,
} from './notice.ts';

export interface NoticeQuestion {
  /** Uid of the job. */
  uid: string;
  rules: readonly NoticeRule[];
  memory: NoticeMemory | undefined;
  /** In the order in which it happened. */
  happenings: readonly Happening[];
  now: number;
}

export interface NoticeAnswer {
  notices: Notice[];
  memory: NoticeMemory | undefined;
}

const NOTHING: NoticeMemory = { failures: 0, told: {} };

/** Ends that a person or the job itself asked for. They neither begin nor end a streak of failures. */
const INTENDED: ReadonlySet<string | undefined> = new Set([
  'StoppedByUser',
  'Replaced',
  'JobRemoved',
  'SpecChanged',
]);

/** Each channel hears of a streak of failures once, or again after its rule's `repeatMs`, and of its end once. */
export function noticesDue({ uid, rules, memory, happenings, now }: NoticeQuestion): NoticeAnswer {
  if (rules.length === 0 && memory === undefined) return { notices: [], memory };
  let known = memory ?? NOTHING;
  const notices: Notice[] = [];
  for (const happening of happenings) {
    for (const { kind, channels } of asked(rules, known, happening, now))
      if (channels.length > 0) notices.push(noticeOf(uid, kind, { channels, happening, now, known }));
    known = after(rules, known, happening, now);
  }
  const isEmpty = rules.length === 0 || (known.failures === 0 && known.stuck === undefined);
  return { notices, memory: isEmpty ? undefined : known };
}

interface Asked {
  kind: NoticeKind;
  channels: string[];
}

/** The kinds that the happening is, each with the channels that hear of it now. */
function asked(
  rules: readonly NoticeRule[],
  known: NoticeMemory,
  happening: Happening,
  now: number,
): Asked[] {
  switch (happening.kind) {
    case 'Ended':
      if (isFailure(happening.run))
        return [{ kind: 'Failed', channels: channelsOf(rules, 'Failed', isTold(known, now)) }];
      if (happening.run.phase !== 'Completed') return [];
      return [
        { kind: 'Recovered', channels: channelsOf(rules, 'Recovered', knowsOfFailures(known)) },
        { kind: 'Succeeded', channels: channelsOf(rules, 'Succeeded') },
      ];
    case 'Stuck':
      if (happening.run.name === known.stuck) return [];
      return [{ kind: 'Stuck', channels: channelsOf(rules, 'Stuck') }];
    case 'Missed':
    case 'Slow':
    case 'Overdue':
    case 'Started':
      return [{ kind: happening.kind, channels: channelsOf(rules, happening.kind) }];
  }
}

type Condition = (rule: NoticeRule, channel: string) => boolean;

/** Whether the channel hears of one more failure. */
function isTold({ failures, told }: NoticeMemory, now: number): Condition {
  return ({ after, repeatMs }, channel) => {
    const last = told[channel];
    if (last !== undefined) return repeatMs !== undefined && now - last >= repeatMs;
    return failures + 1 >= after;
  };
}

/** Whether the channel heard of the failures, or would only hear of their end. */
function knowsOfFailures({ failures, told }: NoticeMemory): Condition {
  return ({ on, after }, channel) =>
    told[channel] !== undefined || (!on.includes('Failed') && failures >= after);
}

function channelsOf(rules: readonly NoticeRule[], kind: NoticeKind, holds: Condition = () => true): string[] {
  const concerned = rules.filter(({ on }) => on.includes(kind));
  const channels = concerned.flatMap((rule) => rule.channels.filter((channel) => holds(rule, channel)));
  return [...new Set(channels)];
}

function after(
  rules: readonly NoticeRule[],
  known: NoticeMemory,
  happening: Happening,
  now: number,
): NoticeMemory {
  if (happening.kind === 'Stuck') return { ...known, stuck: happening.run.name };
  if (happening.kind !== 'Ended') return known;
  const { run } = happening;
  const { stuck, ...streak } = known;
  const rest = { ...(stuck !== undefined && stuck !== run.name && { stuck }) };
  if (run.phase === 'Completed') return { ...NOTHING, ...rest };
  if (!isFailure(run)) return { ...streak, ...rest };
  const told = { ...known.told };
  for (const channel of channelsOf(rules, 'Failed', isTold(known, now))) told[channel] = now;
  return { failures: known.failures + 1, told: inOrder(told), ...rest };
}

/** The order in which an API server returns the names: an equal memory must be the same text. */
function inOrder(told: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(told).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isFailure({ phase, reason }: EndedRun): boolean {
  return phase === 'Failed' || (phase === 'Killed' && !INTENDED.has(reason));
}

interface Told {
  channels: string[];
  happening: Happening;
  now: number;
  known: NoticeMemory;
}

function noticeOf(uid: string, kind: NoticeKind, { channels, happening, now, known }: Told): Notice {
  const failures = known.failures + (kind === 'Failed' ? 1 : 0);
  const notice: AllOptional<Notice> = {
    id: noticeId(uid, kind, happening),
    kind,
    channels,
    at: now,
    ...factsOf(happening),
    failures: kind === 'Failed' || kind === 'Recovered' ? failures : undefined,
  };
  return withoutUndefined(notice);
}

/** A function of what happened alone: an evaluation that is repeated gives it the same id. */
export function noticeId(uid: string, kind: NoticeKind, happening: Happening): string {
  const about =
    'run' in happening
      ? happening.run.name
      : happening.kind === 'Overdue'
        ? secondsOf(happening.since)
        : `${secondsOf(happening.slot)}${happening.pass === undefined ? '' : `-p${happening.pass}`}`;
  // The signature of a webhook separates its parts by full stops; the name of a job may have some.
  return `${uid}/${kind}/${about}`.replaceAll('.', '_');
}

function secondsOf(instant: number): string {
  return String(Math.floor(instant / 1000));
}

/** The fields of T, where each may be undefined. */
type AllOptional<T> = { [Field in keyof T]: T[Field] | undefined };

function factsOf(happening: Happening): Partial<AllOptional<Notice>> {
  switch (happening.kind) {
    case 'Missed':
      return { slot: happening.slot, count: happening.count, reason: happening.cause };
    case 'Overdue':
      return { slot: happening.since, message: happening.message };
    case 'Ended':
    case 'Stuck':
    case 'Slow':
    case 'Started': {
      const { name: run, slot, attempt, phase, reason, exitCode, startedAt, finishedAt } = happening.run;
      const message = 'message' in happening ? happening.message : happening.run.message;
      return { run, slot, attempt, phase, reason, message, exitCode, startedAt, finishedAt };
    }
  }
}

function withoutUndefined(notice: AllOptional<Notice>): Notice {
  return Object.fromEntries(
    Object.entries(notice).filter(([, value]) => value !== undefined),
  ) as unknown as Notice;
}
