// Turns the flags of `lsh cron add` into a manifest. Checks only what a manifest cannot express; validation checks
// the rest.
import { resolve } from 'node:path';
import { API_VERSION, KIND } from '../../core/api-version.ts';
import type { Platform } from '../../core/executor.ts';
import type { JobManifest } from '../../core/job.ts';
import type { JobSpecInput } from '../../core/spec/job-spec.ts';
import { usage } from '../failure.ts';
import { parseDecimal, parseInteger, parseSeconds } from './flags.ts';

/** The options as commander parses them, as text. */
export interface SpecFlags {
  schedule?: string[];
  interval?: string;
  atDaemonStart?: true;
  command?: string;
  tz?: string;
  timeout?: string;
  grace?: string;
  slowAfter?: string;
  expectSuccessWithin?: string;
  retries?: string;
  retryDelay?: string;
  concurrency?: string;
  concurrencyGroup?: string;
  after?: string[];
  retryFactor?: string;
  retryMaxDelay?: string;
  retryJitter?: string;
  retryDisruptions?: string;
  retryOn?: string;
  neverRetryOn?: string;
  missed?: string;
  maxMissed?: string;
  keepSuccessful?: string;
  keepFailed?: string;
  /** False for --no-capture-output; commander sets true without it. */
  captureOutput?: boolean;
  deadline?: string;
  env?: string[];
  recordEnv?: true;
  envFile?: string[];
  secretsEnv?: string;
  tag?: string[];
  description?: string;
  workingDir?: string;
  shell?: string;
  backgroundChildren?: string;
  priority?: string;
  jitter?: string;
  suspend?: true;
  resumeAt?: string;
  notBefore?: string;
  notAfter?: string;
  at?: string;
  exceptDate?: string[];
  calendar?: string[];
  onlyCalendar?: string[];
  executor?: string;
  image?: string;
  notify?: string[];
  notifyAfter?: string;
  notifyRepeat?: string;
}

/** Default of spec.retry.maxSeconds. */
const DEFAULT_MAX_SECONDS = 300;

type Convert = (value: never, flag: string) => Partial<JobSpecInput>;

const capitalized = (value: string) => value.charAt(0).toUpperCase() + value.slice(1).toLowerCase();
const seconds =
  (field: keyof JobSpecInput): Convert =>
  (value: string, flag) => ({ [field]: parseSeconds(value, flag) });
const same =
  (field: keyof JobSpecInput): Convert =>
  (value: unknown) => ({ [field]: value });

const CONVERSIONS: Partial<Record<keyof SpecFlags, Convert>> = {
  command: same('command'),
  tz: same('timeZone'),
  timeout: seconds('timeoutSeconds'),
  slowAfter: same('slowAfter'),
  expectSuccessWithin: same('expectSuccessWithin'),
  grace: seconds('terminationGracePeriodSeconds'),
  deadline: seconds('startingDeadlineSeconds'),
  jitter: seconds('jitterSeconds'),
  concurrency: (value: string) => ({
    concurrencyPolicy: capitalized(value) as NonNullable<JobSpecInput['concurrencyPolicy']>,
  }),
  after: (values: string[]) => ({ after: values.map(afterEntry) }),
  concurrencyGroup: (value: string, flag) => ({ concurrencyGroup: group(value, flag) }),
  missed: (value: string) => ({
    missedRunPolicy: capitalized(value) as NonNullable<JobSpecInput['missedRunPolicy']>,
  }),
  maxMissed: (value: string, flag) => ({ maxMissedRuns: parseInteger(value, flag) }),
  keepSuccessful: (value: string, flag) => ({ successfulRunsHistoryLimit: parseInteger(value, flag) }),
  keepFailed: (value: string, flag) => ({ failedRunsHistoryLimit: parseInteger(value, flag) }),
  captureOutput: (isCaptured: boolean) => (isCaptured ? {} : { captureOutput: false }),
  env: (values: string[]) => ({ env: values.map(variable) }),
  recordEnv: same('recordEnv'),
  envFile: (files: string[]) => ({ envFrom: files.map((file) => ({ file: resolve(file) })) }),
  secretsEnv: same('secretsEnv'),
  tag: (values: string[]) => ({ tags: values.flatMap((value) => value.split(',')) }),
  description: same('description'),
  workingDir: same('workingDir'),
  shell: same('shell'),
  backgroundChildren: same('backgroundChildren'),
  priority: (value: string, flag) => ({ priority: parseInteger(value, flag) }),
  suspend: same('suspend'),
  resumeAt: same('resumeAt'),
  executor: (value: string) => ({ executor: capitalized(value) as NonNullable<JobSpecInput['executor']> }),
  image: (image: string) => ({ job: { image } }),
  notBefore: same('notBefore'),
  notAfter: same('notAfter'),
  at: same('at'),
  exceptDate: (values: string[]) => ({ exceptDates: values.flatMap((value) => value.split(',')) }),
};

export function variable(text: string): { name: string; value: string } {
  const equals = text.indexOf('=');
  if (equals < 1) throw usage(`--env needs NAME=VALUE, not "${text}".`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

type AfterEntry = NonNullable<JobSpecInput['after']>[number];

/** `backup`, or `backup:Failed`. */
function afterEntry(text: string): AfterEntry {
  const colon = text.indexOf(':');
  if (colon < 0) return { job: text };
  return { job: text.slice(0, colon), when: capitalized(text.slice(colon + 1)) as AfterEntry['when'] };
}

/** `deploy`, or `deploy:2` for two active runs. */
function group(text: string, flag: string): NonNullable<JobSpecInput['concurrencyGroup']> {
  const colon = text.indexOf(':');
  if (colon < 0) return { name: text };
  return { name: text.slice(0, colon), max: parseInteger(text.slice(colon + 1), flag) };
}

function calendars({ calendar = [], onlyCalendar = [] }: SpecFlags): Partial<JobSpecInput> {
  const uses = [
    ...calendar.map((name) => ({ name })),
    ...onlyCalendar.map((name) => ({ name, days: 'Only' as const })),
  ];
  return uses.length === 0 ? {} : { calendars: uses };
}

function schedules({ schedule = [], interval, atDaemonStart }: SpecFlags): Partial<JobSpecInput> {
  const all = [
    ...schedule,
    ...(interval === undefined ? [] : [`@every ${interval}`]),
    ...(atDaemonStart ? ['@daemon-start'] : []),
  ];
  const [only] = all;
  if (only === undefined) return {};
  return all.length === 1 ? { schedule: only } : { schedules: all };
}

/** `team`, `team:Failed,Missed`, or `none` for no one. Kinds may be written in any case. */
function notify({ notify: given, notifyAfter, notifyRepeat: repeat }: SpecFlags): Partial<JobSpecInput> {
  if (given === undefined) {
    if (notifyAfter === undefined && repeat === undefined) return {};
    throw usage('--notify-after and --notify-repeat need --notify.');
  }
  const after = notifyAfter === undefined ? {} : { after: parseInteger(notifyAfter, '--notify-after') };
  const extra = { ...after, ...(repeat !== undefined && { repeat }) };
  if (given.length > 1 && given.includes('none'))
    throw usage('--notify none stands alone: it excludes every channel.');
  const rules = given.filter((rule) => rule !== 'none').map((rule) => ({ ...noticeRule(rule), ...extra }));
  return { notify: rules };
}

function noticeRule(text: string): NotifyRule {
  if (/^[^:]*,/.test(text)) {
    throw usage(
      `--notify takes one channel, not "${text}".`,
      'Repeat --notify for each channel; kinds of notices follow a colon, as in --notify team:Failed,Missed.',
    );
  }
  const [channel = '', ...kinds] = text.split(/[:,]/).map((word) => word.trim());
  return {
    channels: [channel],
    ...(kinds.length > 0 && { events: kinds.map(capitalized) as NotifyRule['events'] }),
  };
}

type NotifyRule = NonNullable<JobSpecInput['notify']>[number];
type Retry = NonNullable<JobSpecInput['retry']>;

const RETRY_CONVERSIONS: Partial<Record<keyof SpecFlags, (value: string, flag: string) => Retry>> = {
  retries: (value, flag) => ({ limit: parseInteger(value, flag) }),
  retryDelay: (value, flag) => ({ initialSeconds: parseSeconds(value, flag) }),
  retryFactor: (value, flag) => ({ factor: parseDecimal(value, flag) }),
  retryMaxDelay: (value, flag) => ({ maxSeconds: parseSeconds(value, flag) }),
  retryJitter: (value, flag) => ({ jitter: parseDecimal(value, flag) }),
  retryDisruptions: (value, flag) => ({ disruptions: parseInteger(value, flag) }),
  retryOn: (value, flag) => ({ onExitCodes: exitCodes(value, flag) }),
  neverRetryOn: (value, flag) => ({ notOnExitCodes: exitCodes(value, flag) }),
};

const exitCodes = (value: string, flag: string) =>
  value.split(',').map((code) => parseInteger(code.trim(), flag));

function retry(flags: SpecFlags): Partial<JobSpecInput> {
  const given = Object.entries(RETRY_CONVERSIONS).flatMap(([key, convert]) => {
    const value = flags[key as keyof SpecFlags];
    return typeof value === 'string' ? [convert(value, flagName(key))] : [];
  });
  if (given.length === 0) return {};
  const fields: Retry = Object.assign({}, ...given);
  const { initialSeconds = 0, maxSeconds } = fields;
  // Validation refuses a first delay above maxSeconds, so a long --retry-delay raises it.
  const raised = maxSeconds === undefined && initialSeconds > DEFAULT_MAX_SECONDS;
  return { retry: { ...fields, ...(raised && { maxSeconds: initialSeconds }) } };
}

/** `--retry-delay` for `retryDelay`. */
function flagName(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The spec that the flags describe; `args` are the words after `--`. Makes local paths absolute, because the daemon
 * has another working directory; leaves the paths of a cluster alone.
 */
export function specFromFlags(
  typed: SpecFlags,
  args: readonly string[] = [],
  platform: Platform = 'local',
): JobSpecInput {
  const workingDir = typed.workingDir ?? (needsProject(typed, args) ? '.' : undefined);
  const flags =
    platform === 'local' && workingDir !== undefined ? { ...typed, workingDir: resolve(workingDir) } : typed;
  const converted = Object.entries(CONVERSIONS).map(([key, convert]) => {
    const value = flags[key as keyof SpecFlags];
    return value === undefined ? {} : convert(value as never, flagName(key));
  });
  return Object.assign(
    {},
    schedules(flags),
    calendars(flags),
    args.length === 0 ? {} : { args: [...args] },
    retry(flags),
    notify(flags),
    ...converted,
  ) as JobSpecInput;
}

/** The verbs of lsh that work on the project of their directory. */
const OF_PROJECT = /\blsh\s+(?:push|pull|diff|secrets)\b/;

/** Whether the job finds its secrets by its directory, so that the home directory is the wrong default. */
function needsProject({ secretsEnv, command = '' }: SpecFlags, args: readonly string[]): boolean {
  return secretsEnv !== undefined || OF_PROJECT.test(command) || OF_PROJECT.test(args.join(' '));
}

export function manifestFor(name: string, spec: JobSpecInput): JobManifest {
  return { apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec };
}
