// What channels hear of a job, in sentences for `lsh cron explain`.
import type { JobDocument } from '../document.ts';
import { formatDuration } from '../duration.ts';
import type { NoticeKind, NoticeRule } from './notice.ts';

/** What a job tells, has told, and has still to tell. */
export interface JobNotices {
  /** The rules that hold for the job; undefined where the operator alone knows them. */
  rules?: readonly NoticeRule[];
  /** Oldest first. */
  notices: ShownNotice[];
}

export interface ShownNotice {
  channel: string;
  kind: NoticeKind;
  /** Sent: the last that the channel has. Dead: the channel did not take it. */
  state: 'Waiting' | 'Sent' | 'Dead';
  /** RFC 3339: when it was sent, or else when it became due. */
  at: string;
  /** Why it is dead, or why the last try failed. */
  why?: string;
  /** When the channel is tried again, RFC 3339. */
  nextTryAt?: string;
}

type Memory = NonNullable<JobDocument['status']>['notices'];

/** `memory`: what the job remembers of its failures. */
interface Telling {
  memory: Memory;
  say: (instant: string) => string;
}

/** Returns none if no channel hears of the job. `say`: writes an instant of RFC 3339. */
export function noticeSentences({ rules = [], notices }: JobNotices, { memory, say }: Telling): string[] {
  const isOpen = (channel: string) =>
    notices.some((one) => one.channel === channel && one.kind === 'Failed' && one.state !== 'Sent');
  return [
    ...rules.flatMap((rule) => [
      ruleSentence(rule),
      ...rule.channels
        .filter((channel) => rule.on.includes('Failed') && !isOpen(channel))
        .flatMap((channel) => nextFailure(rule, channel, { memory, say })),
    ]),
    ...notices.map((notice) => noticeSentence(notice, say)),
  ];
}

function ruleSentence({ channels, on }: NoticeRule): string {
  return `${channels.join(', ')} ${channels.length === 1 ? 'hears' : 'hear'} of ${on.join(', ')}.`;
}

/** What the next failure brings, if that is not what the rule says already. */
function nextFailure(
  { on, after, repeatMs }: NoticeRule,
  channel: string,
  { memory, say }: Telling,
): string[] {
  const { failures = 0, told = {} } = memory ?? {};
  const toldAt = told[channel];
  if (toldAt === undefined) {
    if (after === 1) return [];
    return [`${channel} hears of failures after ${after} in a row; there are ${failures} now.`];
  }
  const end = on.includes('Recovered') ? ` ${channel} hears when it has recovered.` : '';
  const streak = `${failures === 1 ? 'This failure was' : `These ${failures} failures in a row were`} told to ${channel} at ${say(toldAt)}`;
  if (repeatMs === undefined) return [`${streak}: a further one is not told.${end}`];
  return [`${streak}: a further one is told again ${formatDuration(repeatMs)} later.${end}`];
}

const STATES: Record<ShownNotice['state'], (notice: ShownNotice) => string> = {
  Sent: ({ channel, kind, at }) => `The last notice that ${channel} has is ${kind}, of ${at}.`,
  Waiting: ({ channel, kind, at, why, nextTryAt }) => {
    const next = nextTryAt === undefined ? '' : `, next try at ${nextTryAt}`;
    return `${kind} waits for ${channel} since ${at}${why === undefined ? '' : `: ${why}${next}`}.`;
  },
  Dead: ({ channel, kind, at, why }) =>
    `${channel} did not take ${kind} of ${at}, a dead letter: ${why}. \`lsh channel test ${channel} --retry\` sends it again.`,
};

function noticeSentence(notice: ShownNotice, say: Telling['say']): string {
  const { at, nextTryAt } = notice;
  const next = nextTryAt === undefined ? {} : { nextTryAt: say(nextTryAt) };
  return STATES[notice.state]({ ...notice, at: say(at), ...next });
}
