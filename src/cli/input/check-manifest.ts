// Checks a document by the rules of its platform, without changing a job. Finds every problem at once.
import { toLshError, type Problem } from '../../core/errors.ts';
import { checkCommand, type CommandPolicy } from '../../core/command-check/command-check.ts';
import { policyFor, type CommandSettings } from '../../core/command-check/policy.ts';
import type { Platform } from '../../core/executor.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import { LOCAL_NAMESPACE, jobKey } from '../../core/naming.ts';
import { scheduleInput } from '../../core/schedule/job-schedule.ts';
import { scheduleNotes } from '../../core/schedule/notes.ts';
import { withPlatformDefaults } from '../../core/validate/defaults.ts';
import { parseManifest } from '../../core/validate/validate.ts';

export interface ManifestFindings {
  problems: Problem[];
  warnings: Problem[];
  /** Readings of the schedule that may surprise, and the clock changes that touch it. */
  notes: Problem[];
}

/** Problems, warnings and notes of the document; `timeZone` is for a job without one. Checks the command even if the rest is invalid. */
export function checkManifest(
  value: unknown,
  platform: Platform,
  { now, timeZone, ...settings }: CommandSettings & { now: number; timeZone: string },
): ManifestFindings {
  const spec = specOf(value);
  const { allowed, found } = commandFindings(spec, policyFor(namesOf(value, platform), settings));
  const problems = [...manifestProblems(value, platform), ...(allowed ? [] : found)];
  return {
    problems,
    warnings: allowed ? found : [],
    notes: problems.length > 0 ? [] : notesOn(value, platform, { now, timeZone }),
  };
}

function notesOn(
  value: unknown,
  platform: Platform,
  { now, timeZone }: { now: number; timeZone: string },
): Problem[] {
  const { metadata, spec: checked } = parseManifest(value, platform);
  const spec = withPlatformDefaults(checked, platform, { timeZone });
  const key = jobKey(metadata.namespace ?? LOCAL_NAMESPACE, metadata.name);
  const notes = scheduleNotes(scheduleInput({ key, spec, createdAt: now }), now);
  const path = spec.schedules === undefined ? 'spec.schedule' : 'spec.schedules';
  return notes.map((message) => ({ path, message }));
}

/** A document may be of any form; a name that is missing is on no list. */
function namesOf(value: unknown, platform: Platform): { namespace: string; name: string } {
  const { metadata } = (value ?? {}) as { metadata?: { namespace?: unknown; name?: unknown } | null };
  const textOf = (part: unknown) => (typeof part === 'string' ? part : '');
  const namespace = platform === 'local' ? LOCAL_NAMESPACE : textOf(metadata?.namespace);
  return { namespace, name: textOf(metadata?.name) };
}

function specOf(value: unknown): Partial<Record<keyof JobSpec, unknown>> {
  const { spec } = (value ?? {}) as { spec?: unknown };
  return typeof spec === 'object' && spec !== null ? spec : {};
}

function manifestProblems(value: unknown, platform: Platform): Problem[] {
  try {
    parseManifest(value, platform);
    return [];
  } catch (error) {
    const { problems } = toLshError(error);
    if (problems.length === 0) throw error;
    return problems;
  }
}

function variablesOf(env: unknown): { name: string }[] {
  const named = (value: unknown): value is { name: string } =>
    typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';
  return Array.isArray(env) ? env.filter(named) : [];
}

/** Checks only a command of the right type; the schema reports any other. */
function commandFindings(spec: ReturnType<typeof specOf>, policy: CommandPolicy) {
  const { command, args, workingDir, shell } = spec;
  const rest = {
    ...(typeof workingDir === 'string' && { workingDir }),
    ...(typeof shell === 'string' && { shell }),
    env: variablesOf(spec.env),
  };
  const words = Array.isArray(args) && args.every((arg) => typeof arg === 'string') ? args : undefined;
  if (typeof command !== 'string' && words === undefined) return { allowed: true, found: [] };
  const [path, checked] =
    typeof command === 'string' ? ['spec.command', { command }] : ['spec.args', { args: words }];
  const { allowed, findings } = checkCommand({ ...checked, ...rest }, policy);
  return { allowed, found: findings.map(({ message }): Problem => ({ path, message })) };
}
