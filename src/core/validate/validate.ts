// The boundary where an unknown document becomes a job. Reports its problems at once, each with its field path.
import * as v from 'valibot';
import { LshError, type Problem } from '../errors.ts';
import type { Platform } from '../executor.ts';
import { API_VERSION, KIND } from '../api-version.ts';
import type { JobManifest } from '../job.ts';
import { JobSpecSchema, type CheckedSpec } from '../spec/job-spec.ts';
import { cleanMetadata, manifestProblems } from './metadata.ts';
import { ruleProblems } from './rules.ts';
import { fieldProblems, isMapping, PROBLEMS_MAX, treeProblems } from './structure.ts';
import { toProblem } from './wording.ts';

/** A manifest whose spec was checked; the defaults of its platform are still missing. */
export type CheckedManifest = Omit<JobManifest, 'spec'> & { spec: CheckedSpec };

/** Sentences in the error's message; `problems` has them all. */
const SENTENCES_SHOWN = 20;

/** Checks a whole manifest for its platform; throws JOB_INVALID naming the problems, 50 at most. */
export function parseManifest(input: unknown, platform: Platform): CheckedManifest {
  if (!isMapping(input)) throw invalid([{ path: '', message: 'the document must be a mapping of fields' }]);
  const { spec, problems } = checkSpec(input.spec, platform);
  refuse([...treeProblems({ ...input, spec: undefined }, ''), ...manifestProblems(input), ...problems]);
  return { apiVersion: API_VERSION, kind: KIND, metadata: cleanMetadata(input.metadata), spec };
}

/** Checks a spec for its platform; throws JOB_INVALID naming the problems, 50 at most. */
export function parseSpec(input: unknown, platform: Platform): CheckedSpec {
  const { spec, problems } = checkSpec(input, platform);
  refuse(problems);
  return spec;
}

/** The spec is valid only if `problems` is empty. */
function checkSpec(input: unknown, platform: Platform): { spec: CheckedSpec; problems: Problem[] } {
  const broken = isMapping(input) ? treeProblems(input, 'spec') : [{ path: 'spec', message: missing(input) }];
  if (!isMapping(input) || broken.some(({ path }) => path === 'spec')) {
    return { spec: input as CheckedSpec, problems: broken };
  }
  const parsed = v.safeParse(JobSpecSchema, input);
  const shape = [
    ...broken.slice(0, PROBLEMS_MAX),
    ...firstOf(fieldProblems(JobSpecSchema, input, 'spec')),
    ...(parsed.issues ?? []).slice(0, PROBLEMS_MAX).flatMap((issue) => toProblem(issue, 'spec') ?? []),
  ];
  const spec = parsed.output as CheckedSpec;
  // The rules read the fields that have no problem, so they need to know every field that has one.
  if (shape.length >= PROBLEMS_MAX) return { spec, problems: shape };
  const sound = (path: string): boolean => !shape.some((problem) => overlap(problem.path, path));
  return { spec, problems: [...shape, ...ruleProblems({ spec, platform, sound })] };
}

function missing(spec: unknown): string {
  return spec === undefined ? 'is required' : 'must be a mapping of fields';
}

function firstOf(all: Iterable<Problem>): Problem[] {
  const first: Problem[] = [];
  for (const problem of all) {
    first.push(problem);
    if (first.length === PROBLEMS_MAX) break;
  }
  return first;
}

/** Whether the paths are equal or one lies inside the other. */
function overlap(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return long.startsWith(short) && (long.length === short.length || '.['.includes(long[short.length]!));
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const byPath = new Map<string, Problem>();
  for (const problem of problems) if (!byPath.has(problem.path)) byPath.set(problem.path, problem);
  throw invalid([...byPath.values()].slice(0, PROBLEMS_MAX));
}

function invalid(problems: Problem[]): LshError {
  const sentences = problems.slice(0, SENTENCES_SHOWN).map(({ path, message }) => sentence(path, message));
  const left = problems.length - SENTENCES_SHOWN;
  if (left > 0) sentences.push(`And ${left}${problems.length === PROBLEMS_MAX ? ' or' : ''} more.`);
  return new LshError('JOB_INVALID', { detail: sentences.join(' ') }, { problems });
}

function sentence(path: string, message: string): string {
  const text = path === '' ? message : `${path} ${message}`;
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
