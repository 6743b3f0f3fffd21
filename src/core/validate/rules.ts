// Rules that a schema cannot express: fields that exclude or need each other, and limits of a platform. Each rule is
// one small function; the list below reads like a checklist.
import { parseDuration, parseDurationLimit } from '../duration.ts';
import { nameProblem } from '../dns-label.ts';
import type { Problem } from '../errors.ts';
import { EXECUTORS, type Platform } from '../executor.ts';
import { KUBE_COMMAND_MAX_LENGTH } from '../spec/blocks.ts';
import { COMMAND_MAX_LENGTH, type CheckedSpec } from '../spec/job-spec.ts';
import { runsAsPod, type Candidate, type Rule } from './candidate.ts';
import { DEFAULT_EXECUTOR } from './defaults.ts';
import { environmentRules } from './environment-rules.ts';
import { podTemplateHasShape } from './pod-template-rule.ts';
import { scheduleRules } from './schedule-rules.ts';
import { show } from './wording.ts';

const RULES: Rule[] = [
  exactlyOneSchedule,
  followsEachJobOnce,
  exactlyOneCommand,
  commandIsNotBlank,
  commandFitsExecutor,
  shellNeedsCommand,
  workingDirIsAbsolute,
  backgroundNeedsShellRun,
  executorFitsPlatform,
  jobBlockNeedsExecutorJob,
  secretsEnvIsName,
  instantsExist,
  expectationsAreDurations,
  retryDelaysGrow,
  exitCodesAgree,
  repeatIsDuration,
  ...scheduleRules,
  ...environmentRules,
  podTemplateHasShape,
];

/** All problems of a spec. */
export function ruleProblems(candidate: Candidate): Problem[] {
  return RULES.flatMap((rule) => rule(candidate));
}

function exactlyOneSchedule({ spec }: Candidate): Problem[] {
  const [first, second] = (['schedule', 'schedules', 'at'] as const).filter(
    (field) => spec[field] !== undefined,
  );
  if (first === undefined && spec.after !== undefined) return [];
  if (first === undefined)
    return [{ path: 'spec.schedule', message: 'is required (or schedules, or at): when the job is due' }];
  return second === undefined
    ? []
    : [{ path: `spec.${second}`, message: `cannot stand beside ${first}; keep one of them` }];
}

function followsEachJobOnce({ spec: { after, at }, sound }: Candidate): Problem[] {
  if (after === undefined || !sound('spec.after')) return [];
  if (at !== undefined)
    return [{ path: 'spec.after', message: 'cannot stand beside at: that job is over after one run' }];
  const jobs = after.map(({ job }) => job);
  return jobs.flatMap((job, index) => {
    const path = `spec.after[${index}].job`;
    const problem = nameProblem(job);
    if (problem !== undefined) return [{ path, message: problem }];
    if (jobs.indexOf(job) === index) return [];
    return [{ path, message: `must be unique; ${job} stands above: \`when: Ended\` is for all its ends` }];
  });
}

function exactlyOneCommand({ spec }: Candidate): Problem[] {
  const { entrypointArgs, image } = spec.job ?? {};
  if (entrypointArgs === undefined) return exactlyOne(spec, ['command', 'args'], 'what the job runs');
  const path = 'spec.job.entrypointArgs';
  const other = (['command', 'args'] as const).find((field) => spec[field] !== undefined);
  if (other !== undefined)
    return [{ path, message: `cannot stand beside ${other}: it leaves the command to the image` }];
  return image === undefined ? [{ path, message: 'needs job.image, whose entrypoint runs' }] : [];
}

/** A shell run keeps commands short; a Kubernetes Job takes what a kernel takes as one argument. */
function commandFitsExecutor(candidate: Candidate): Problem[] {
  const { spec, sound } = candidate;
  const isPod = runsAsPod(candidate);
  const encoder = new TextEncoder();
  const texts: [string, string][] = [
    ...(spec.command === undefined ? [] : [['spec.command', spec.command] as [string, string]]),
    ...(Array.isArray(spec.args) ? spec.args : []).map((arg, index): [string, string] => [
      `spec.args[${index}]`,
      arg,
    ]),
  ];
  return texts
    .filter(([path]) => sound(path))
    .flatMap(([path, text]) => {
      const length = isPod ? encoder.encode(text).length : text.length;
      const limit = isPod ? KUBE_COMMAND_MAX_LENGTH : COMMAND_MAX_LENGTH;
      if (length <= limit) return [];
      const unit = isPod ? 'bytes' : 'characters in a shell run';
      return [{ path, message: `must have at most ${limit} ${unit}; it has ${length}` }];
    });
}

function exactlyOne(
  spec: CheckedSpec,
  [first, second]: [keyof CheckedSpec, keyof CheckedSpec],
  meaning: string,
): Problem[] {
  const hasFirst = spec[first] !== undefined;
  const hasSecond = spec[second] !== undefined;
  if (hasFirst && hasSecond)
    return [{ path: `spec.${second}`, message: `cannot stand beside ${first}; keep one of them` }];
  if (hasFirst || hasSecond) return [];
  return [{ path: `spec.${first}`, message: `is required (or ${second}): ${meaning}` }];
}

function commandIsNotBlank({ spec, sound }: Candidate): Problem[] {
  if (spec.command !== undefined && sound('spec.command') && spec.command.trim() === '') {
    return [{ path: 'spec.command', message: 'must not be blank' }];
  }
  if (spec.args !== undefined && sound('spec.args') && spec.args[0]?.trim() === '') {
    return [{ path: 'spec.args[0]', message: 'must name a program' }];
  }
  return [];
}

function shellNeedsCommand({ spec }: Candidate): Problem[] {
  if (spec.shell === undefined || spec.command !== undefined) return [];
  return [{ path: 'spec.shell', message: 'goes with command only; args run without a shell' }];
}

function workingDirIsAbsolute({ spec, sound }: Candidate): Problem[] {
  if (spec.workingDir === undefined || !sound('spec.workingDir') || spec.workingDir.startsWith('/'))
    return [];
  return [{ path: 'spec.workingDir', message: `must be an absolute path, not ${show(spec.workingDir)}` }];
}

function backgroundNeedsShellRun(candidate: Candidate): Problem[] {
  if (candidate.spec.backgroundChildren === undefined || !runsAsPod(candidate)) return [];
  const message = 'works with executor Shell only; the container of a Kubernetes Job ends with its command';
  return [{ path: 'spec.backgroundChildren', message }];
}

function executorFitsPlatform({ spec, platform }: Candidate): Problem[] {
  const places: readonly Platform[] = EXECUTORS[spec.executor ?? DEFAULT_EXECUTOR[platform]].platforms;
  if (places.includes(platform)) return [];
  return [
    {
      path: 'spec.executor',
      message: 'must be Shell here: Kubernetes Jobs run in a cluster; add the job with --cluster',
    },
  ];
}

function jobBlockNeedsExecutorJob(candidate: Candidate): Problem[] {
  if (candidate.spec.job === undefined || runsAsPod(candidate)) return [];
  return [{ path: 'spec.job', message: 'goes with executor Job only; a shell run has no Pod of its own' }];
}

function secretsEnvIsName(candidate: Candidate): Problem[] {
  const { platform, sound } = candidate;
  const { secretsEnv } = candidate.spec;
  if (secretsEnv === undefined || !sound('spec.secretsEnv')) return [];
  const path = 'spec.secretsEnv';
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(secretsEnv))
    return [
      { path, message: `must be letters, digits, dots, hyphens and underscores, not ${show(secretsEnv)}` },
    ];
  if (platform === 'local' || /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(secretsEnv)) return [];
  const message = `must be lower-case letters, digits and hyphens, not ${show(secretsEnv)}: it names a Kubernetes Secret`;
  return [{ path, message }];
}

function repeatIsDuration({ spec: { notify = [] }, sound }: Candidate): Problem[] {
  if (!Array.isArray(notify)) return [];
  return notify.flatMap(({ repeat }, index) => {
    const path = `spec.notify[${index}].repeat`;
    if (repeat === undefined || !sound(path) || (parseDuration(repeat) ?? 0) >= 1000) return [];
    return [{ path, message: `must be a duration of a second or more, such as 24h, not ${show(repeat)}` }];
  });
}

function instantsExist({ spec, sound }: Candidate): Problem[] {
  const problems = (['notBefore', 'notAfter', 'resumeAt'] as const)
    .filter((key) => spec[key] !== undefined && sound(`spec.${key}`) && !isInstant(spec[key]))
    .map((key) => ({
      path: `spec.${key}`,
      message: `must be an instant such as 2026-01-31T12:00:00Z, not ${show(spec[key])}`,
    }));
  if (problems.length > 0 || !sound('spec.notBefore') || !sound('spec.notAfter')) return problems;
  if (spec.notBefore === undefined || spec.notAfter === undefined) return [];
  if (Date.parse(spec.notBefore) < Date.parse(spec.notAfter)) return [];
  return [{ path: 'spec.notAfter', message: 'must be later than notBefore' }];
}

/** Whether the text is RFC 3339 and its day exists: Date.parse turns February 30 into March 2. */
function isInstant(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)T[\d:.]+(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match || Number.isNaN(Date.parse(text))) return false;
  const [year, month, day] = match.slice(1, 4).map(Number);
  return new Date(Date.UTC(year!, month! - 1, day)).getUTCDate() === day;
}

function retryDelaysGrow({ spec: { retry }, sound }: Candidate): Problem[] {
  if (!sound('spec.retry.initialSeconds') || !sound('spec.retry.maxSeconds')) return [];
  if (retry.maxSeconds >= retry.initialSeconds) return [];
  const message = `must be at least initialSeconds (${retry.initialSeconds}), not ${retry.maxSeconds}`;
  return [{ path: 'spec.retry.maxSeconds', message }];
}

function exitCodesAgree({ spec: { retry }, sound }: Candidate): Problem[] {
  if (!sound('spec.retry.onExitCodes') || !sound('spec.retry.notOnExitCodes')) return [];
  const inBoth = retry.notOnExitCodes.filter((code) => retry.onExitCodes.includes(code));
  if (inBoth.length === 0) return [];
  return [
    {
      path: 'spec.retry.notOnExitCodes',
      message: `must not repeat codes of onExitCodes: ${[...new Set(inBoth)].join(', ')}`,
    },
  ];
}

/** A shorter expectation would be over before the next evaluation. */
const EXPECTATION_MIN_MS = 60_000;
const EXPECTATION_MAX_MS = 366 * 86_400_000;

function expectationsAreDurations({ spec, sound }: Candidate): Problem[] {
  const problems: Problem[] = [];
  const { expectSuccessWithin: within, slowAfter } = spec;
  if (within !== undefined && sound('spec.expectSuccessWithin') && within !== 'auto') {
    const ms = parseDuration(within);
    if (ms === undefined || ms < EXPECTATION_MIN_MS || ms > EXPECTATION_MAX_MS) {
      const message = `must be auto, or a duration from 1m to 366d such as 26h, not ${show(within)}`;
      problems.push({ path: 'spec.expectSuccessWithin', message });
    }
  }
  if (slowAfter !== undefined && sound('spec.slowAfter') && !isSlowLimit(slowAfter)) {
    const message = `must be a duration such as 90s, or a multiple from 1.1x to 1000x such as 2x, not ${show(slowAfter)}`;
    problems.push({ path: 'spec.slowAfter', message });
  }
  return problems;
}

function isSlowLimit(text: string): boolean {
  const limit = parseDurationLimit(text);
  if (limit === undefined) return false;
  return 'ms' in limit ? limit.ms > 0 : limit.factor >= 1.1 && limit.factor <= 1000;
}
