// The command validator: a seat belt, not a wall. It parses a command like a shell and refuses commands that users
// hardly ever mean to schedule: deleting a system, formatting a disk, running a download. A determined user gets past
// it: the user that runs the commands, and in a cluster the container, protect the machine.
import { unlisted } from './allow-list.ts';
import { finding, LEVELS, NO_FLOW, type Finding, type Level, type Rule } from './invocation.ts';
import { OverBudget } from './budget.ts';
import type { CommandPolicy } from './policy.ts';
import { findDelete, openPermissions, recursiveDelete, replaceRoot, vitalFiles } from './rules/deletion.ts';
import { codeWritesDevice, format, redirectToDevice, writeDevice } from './rules/device.ts';
import { hiddenText } from './rules/hidden-text.ts';
import {
  computedProgram,
  evalOfOutput,
  untrustedCode,
  interpreterCode,
  pipeIntoShell,
} from './rules/untrusted-code.ts';
import { remoteShell, uncheckedServer } from './rules/network.ts';
import { secretFiles } from './rules/secret-files.ts';
import {
  becomeRoot,
  changeAccounts,
  dropCrontab,
  killVital,
  powerOff,
  stopVitalUnit,
} from './rules/system.ts';
import { shellQuote } from './shell/shell-quote.ts';
import { newWalk, type Walk } from './walk-state.ts';
import { walkText } from './walk.ts';
import { LshError } from '../errors.ts';
import { KUBE_COMMAND_MAX_LENGTH } from '../spec/blocks.ts';
import type { JobSpec } from '../spec/job-spec.ts';

export type { Finding, Level } from './invocation.ts';
export type { CommandPolicy } from './policy.ts';

/** The fields of a job that the validator reads. */
export type CheckedCommand = Pick<JobSpec, 'command' | 'args' | 'workingDir' | 'job' | 'env' | 'shell'>;

export interface CommandVerdict {
  allowed: boolean;
  /** The highest level of the findings. */
  level: Level;
  /** Worst first. */
  findings: Finding[];
  /** Sentences for the user who adds or runs the job; empty for a refused command. */
  warnings: string[];
}

const RULES: Rule[] = [
  recursiveDelete,
  vitalFiles,
  findDelete,
  replaceRoot,
  openPermissions,
  format,
  writeDevice,
  redirectToDevice,
  codeWritesDevice,
  untrustedCode,
  pipeIntoShell,
  evalOfOutput,
  computedProgram,
  interpreterCode,
  remoteShell,
  uncheckedServer,
  secretFiles,
  killVital,
  stopVitalUnit,
  powerOff,
  becomeRoot,
  changeAccounts,
  dropCrontab,
];

/** A verdict names no more findings. */
const MAX_FINDINGS = 20;

/** Judges the command of a job. Never throws; a bounded amount of work, linear in the length of the command. */
export function checkCommand(spec: CheckedCommand, policy: CommandPolicy = {}): CommandVerdict {
  return runsEntrypoint(spec) ? entrypointVerdict(policy) : textVerdict(spec, policy);
}

function textVerdict(spec: CheckedCommand, policy: CommandPolicy): CommandVerdict {
  // Arguments run without a shell; quoted, they are a script that means the same.
  const text = spec.command ?? (spec.args ?? []).map(shellQuote).join(' ');
  const walk = newWalk(RULES, spec.workingDir ?? '${HOME}');
  const unread = [...unreadFindings(spec, text, walk)];
  const forbidden = policy.allowList
    ? [...unlisted(spec, { programs: walk.programs, isRead: unread.length === 0 }, policy.allowList)]
    : [];
  const findings = worstFirst([
    ...textFindings(text),
    ...unread,
    ...walk.findings,
    ...parseFindings(walk, text),
    ...forbidden,
  ]);
  const level = findings[0]?.level ?? 'none';
  const allowed = forbidden.length === 0 && (!isDangerous(level) || policy.allowDangerous === true);
  const warnings = allowed ? findings.map(({ message, excerpt }) => `${message} (${excerpt})`) : [];
  return { allowed, level, findings, warnings };
}

function worstFirst(findings: readonly Finding[]): Finding[] {
  return unique(findings)
    .sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level))
    .slice(0, MAX_FINDINGS);
}

/** Walks the text. Reports what the walk could not read, and thus did not judge. */
function* unreadFindings({ command }: CheckedCommand, text: string, walk: Walk): Generator<Finding> {
  if (command !== undefined && command.length > KUBE_COMMAND_MAX_LENGTH) {
    const message = `The command has ${text.length} characters; the validator reads at most ${KUBE_COMMAND_MAX_LENGTH}.`;
    yield finding(text, 'too-long', 'high', message);
    return;
  }
  try {
    walkText(text, NO_FLOW, walk);
  } catch (thrown) {
    if (!(thrown instanceof OverBudget)) throw thrown;
    const message =
      'The command expands to more text or programs than the validator reads; put it into a script file.';
    yield finding(text, 'too-much-work', 'high', message);
  }
  if (walk.notes.tooDeep) {
    yield finding(text, 'too-deep', 'high', 'The command is nested too deeply for the validator.');
  }
}

function runsEntrypoint({ command, args, job }: CheckedCommand): boolean {
  return command === undefined && args === undefined && job?.entrypointArgs !== undefined;
}

/** The image alone knows its entrypoint, so an allow-list refuses it. */
function entrypointVerdict({ allowList }: CommandPolicy): CommandVerdict {
  if (allowList === undefined) return { allowed: true, level: 'none', findings: [], warnings: [] };
  const message = 'The entrypoint of an image is not on the list of allowed programs.';
  const findings = [finding('job.entrypointArgs', 'not-on-allow-list', 'high', message)];
  return { allowed: false, level: 'high', findings, warnings: [] };
}

function pathOf(spec: CheckedCommand): string {
  if (runsEntrypoint(spec)) return 'spec.job.entrypointArgs';
  return spec.command === undefined ? 'spec.args' : 'spec.command';
}

function isDangerous(level: Level): boolean {
  return level === 'high' || level === 'critical';
}

/** Returns the warnings about an allowed command. Throws COMMAND_REFUSED for any other. */
export function requireSafeCommand(spec: CheckedCommand, policy: CommandPolicy = {}): string[] {
  const { allowed, findings, warnings } = checkCommand(spec, policy);
  if (allowed) return warnings;
  const path = pathOf(spec);
  const refusing = findings.filter(({ level }) => isDangerous(level));
  const problems = refusing.map(({ message }) => ({ path, message }));
  const detail = refusing.map(({ message, excerpt }) => `${message} (${excerpt})`).join(' ');
  const byList = refusing.every(({ rule }) => rule === 'not-on-allow-list');
  const hint = 'Add the program to LSH_COMMAND_ALLOW_LIST, see docs/configuration.md.';
  throw new LshError('COMMAND_REFUSED', { detail }, { problems, ...(byList && { hint }) });
}

function* textFindings(text: string): Generator<Finding> {
  if (text.trim() === '') yield finding(text, 'empty', 'high', 'There is no command.');
  yield* hiddenText(text);
}

function* parseFindings({ notes }: Walk, text: string): Generator<Finding> {
  if (!notes.unterminated) return;
  yield finding(text, 'unterminated', 'medium', 'A quote, parenthesis or here-document has no end.');
}

function unique(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((each) => [`${each.rule} ${each.level} ${each.excerpt}`, each])).values()];
}
