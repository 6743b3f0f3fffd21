// A notice, or a group of notices, in words and as data.
import { formatDuration } from '../core/duration.ts';
import type { JobKey } from '../core/job.ts';
import { splitKey } from '../core/naming.ts';
import type { NoticeDelivery } from '../control/notices/notice-store.ts';
import type { NoticeKind } from '../core/notices/notice.ts';
import { oneLine, printable } from '../core/printable.ts';

export interface NoticeMessage {
  /** The idempotency key. */
  id: string;
  /** `Test`: of `lsh channel test`, about no job. */
  kind: NoticeKind | 'Test';
  at: number;
  /** Who tells it, as a URI reference: `/lsh/local/HOST`, `/lsh/cluster/NAME`. */
  source: string;
  /** Job, or jobs; of a test the channel. */
  subject: string;
  title: string;
  lines: string[];
  /** The last lines of the output, as the record keeps them: masked, and none if the job keeps none. */
  output?: string | undefined;
  /** The same as JSON. */
  data: object;
}

/** Who tells it, and where its reader asks for more. */
export interface NoticeHomeName {
  platform: 'local' | 'cluster';
  name: string;
}

/** What the home knows of a run beside the notice. */
export interface RunFacts {
  outputTail?: string | undefined;
  /** Median of the newest runs that completed, milliseconds. */
  usualMs?: number | undefined;
}

type Notice = NoticeDelivery['notice'];

/** Lines of output in a message. */
const OUTPUT_LINES = 20;
/** Jobs that the message of a group names. */
const NAMED_MAX = 10;

const VERBS: Record<NoticeKind, string> = {
  Failed: 'failed',
  Recovered: 'recovered',
  Missed: 'missed',
  Overdue: 'is overdue',
  Slow: 'is slow',
  Stuck: 'is stuck',
  Started: 'started',
  Succeeded: 'succeeded',
};

export function messageOf(
  { job, notice }: NoticeDelivery,
  home: NoticeHomeName,
  facts: RunFacts,
): NoticeMessage {
  const { id, kind, at } = notice;
  const explain = explainCommand(job, notice, home);
  const output = lastLines(facts.outputTail);
  const lines = factLines(notice, facts);
  return {
    id,
    kind,
    at,
    source: sourceOf(home),
    subject: job,
    title: titleOf(job, notice, home),
    lines: [...lines, `Ask \`${explain}\`.`],
    output,
    data: {
      ...dataOf(job, notice),
      ...(facts.usualMs !== undefined && { usualDurationSeconds: facts.usualMs / 1000 }),
      ...(output !== undefined && { output }),
      explain,
    },
  };
}

/** The message of a group: counts, some names, and how to see all. */
export function groupMessage(deliveries: readonly NoticeDelivery[], home: NoticeHomeName): NoticeMessage {
  const [first] = deliveries as [NoticeDelivery];
  const { kind, group, at } = first.notice;
  const jobs = [...new Set(deliveries.map(({ job }) => job))];
  const names = jobs.map((job) => nameOf(job, home));
  const others = jobs.length - NAMED_MAX;
  const report = home.platform === 'local' ? 'lsh cron report' : 'lsh cron report --cluster --all-namespaces';
  return {
    id: (group?.id ?? first.notice.id).replaceAll('.', '_'),
    kind,
    at,
    source: sourceOf(home),
    subject: `${jobs.length} jobs`,
    title: `${jobs.length === 1 ? '1 job' : `${jobs.length} jobs`} ${plural(VERBS[kind], jobs.length)} within a minute`,
    lines: [
      ...names.slice(0, NAMED_MAX),
      ...(others > 0 ? [`and ${others} more`] : []),
      `Ask \`${report}\` for all of them.`,
    ],
    data: {
      kind,
      count: deliveries.length,
      jobs: jobs.length,
      names: names.slice(0, NAMED_MAX),
      explain: report,
    },
  };
}

function plural(verb: string, count: number): string {
  return count === 1 ? verb : verb.replace(/^is /, 'are ');
}

/** A message that says only that the channel works. */
export function testMessage(channel: string, home: NoticeHomeName, at: number): NoticeMessage {
  const title = `test of the channel ${channel}`;
  return {
    id: `test/${channel}/${at}`,
    kind: 'Test',
    at,
    source: sourceOf(home),
    subject: channel,
    title,
    lines: [`\`lsh channel test ${channel}\` on ${home.name} sent this.`],
    data: { kind: 'Test', channel },
  };
}

function sourceOf({ platform, name }: NoticeHomeName): string {
  return `/lsh/${platform}/${encodeURIComponent(name)}`;
}

/** A daemon has one namespace, which its user never sees. */
function nameOf(job: JobKey, { platform }: NoticeHomeName): string {
  return platform === 'local' ? splitKey(job).name : job;
}

/** What a kind says beside its verb. */
const DETAILS: Partial<Record<NoticeKind, (notice: Notice) => string>> = {
  Failed: (notice) => {
    const { failures = 1 } = notice;
    return `: ${why(notice)}${failures > 1 ? `, the ${ordinal(failures)} time in a row` : ''}`;
  },
  Recovered: ({ failures }) => ` after ${failures === 1 ? 'a failure' : `${failures} failures`}`,
  Missed: ({ count = 1, reason = 'late' }) => ` ${count === 1 ? 'a slot' : `${count} slots`}: ${reason}`,
};

function titleOf(job: JobKey, notice: Notice, home: NoticeHomeName): string {
  const { kind } = notice;
  return `${nameOf(job, home)} ${VERBS[kind]}${DETAILS[kind]?.(notice) ?? ''}`;
}

function ordinal(n: number): string {
  const rest = n % 100;
  if (rest > 10 && rest < 14) return `${n}th`;
  return `${n}${['th', 'st', 'nd', 'rd'][n % 10] ?? 'th'}`;
}

function why({ reason, exitCode, phase }: Notice): string {
  if (reason === 'ExitCode' || (reason === undefined && exitCode !== undefined))
    return `exit code ${exitCode}`;
  return reason ?? phase ?? 'unknown reason';
}

function factLines(notice: Notice, { usualMs }: RunFacts): string[] {
  const { slot, attempt, run, message, startedAt, finishedAt } = notice;
  const took = startedAt === undefined || finishedAt === undefined ? undefined : finishedAt - startedAt;
  const usual = usualMs === undefined ? '' : ` (usually ${formatDuration(usualMs)})`;
  return [
    ...(message === undefined ? [] : [oneLine(message)]),
    ...(slot === undefined ? [] : [`Slot: ${new Date(slot).toISOString()}`]),
    ...(run === undefined ? [] : [`Run: ${run}, attempt ${attempt ?? 1}`]),
    ...(took === undefined ? [] : [`Duration: ${formatDuration(took)}${usual}`]),
  ];
}

function dataOf(job: JobKey, notice: Notice): object {
  const { namespace, name } = splitKey(job);
  const { id: _, at: __, group: ___, slot, startedAt, finishedAt, ...rest } = notice;
  const time = (ms: number | undefined) => ms && new Date(ms).toISOString();
  const duration =
    startedAt !== undefined && finishedAt !== undefined ? (finishedAt - startedAt) / 1000 : undefined;
  return {
    job: name,
    namespace,
    ...rest,
    slot: time(slot),
    startedAt: time(startedAt),
    finishedAt: time(finishedAt),
    durationSeconds: duration,
  };
}

function explainCommand(job: JobKey, { slot }: Notice, { platform }: NoticeHomeName): string {
  const { namespace, name } = splitKey(job);
  const at = slot === undefined ? '' : ` --at ${new Date(slot).toISOString()}`;
  return `lsh cron explain ${name}${at}${platform === 'local' ? '' : ` --cluster --namespace ${namespace}`}`;
}

function lastLines(output: string | undefined): string | undefined {
  const text = output?.trimEnd() ?? '';
  return text === '' ? undefined : text.split('\n').slice(-OUTPUT_LINES).map(printable).join('\n');
}
