// Rules for env and envFrom: the sources that each platform has, and the size of the variables.
import type { Problem } from '../errors.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { runsAsPod, type Candidate, type Rule } from './candidate.ts';
import { isMapping } from './structure.ts';
import { show } from './wording.ts';

/** Longest NAME=value in bytes that the Linux kernel passes to a new process. */
const VARIABLE_MAX_BYTES = 131_071;
/** All variables together, bytes: more fits neither beside the inherited ones nor into a Kubernetes object. */
const TOTAL_MAX_BYTES = 1_048_576;

type EnvVar = NonNullable<JobSpec['env']>[number];
type EnvFrom = NonNullable<JobSpec['envFrom']>[number];

export const environmentRules: Rule[] = [variables, variableSizes, sources];

function soundEntries<T>(list: readonly T[] | undefined, path: string, { sound }: Candidate): [T, string][] {
  if (!Array.isArray(list)) return [];
  return list
    .map((entry: T, index): [T, string] => [entry, `${path}[${index}]`])
    .filter(([, entryPath]) => sound(entryPath));
}

function variables(candidate: Candidate): Problem[] {
  const seen = new Set<string>();
  return soundEntries(candidate.spec.env, 'spec.env', candidate).flatMap(([variable, path]) => {
    const problems = variableProblems(variable, path, candidate);
    if (seen.has(variable.name))
      problems.push({ path: `${path}.name`, message: `must be unique; ${variable.name} is set above` });
    seen.add(variable.name);
    return problems;
  });
}

function variableProblems(variable: EnvVar, path: string, candidate: Candidate): Problem[] {
  const { value, valueFrom } = variable;
  if (value !== undefined && valueFrom !== undefined)
    return [{ path, message: 'must have value or valueFrom, not both' }];
  if (value === undefined && valueFrom === undefined)
    return [{ path, message: 'must have a value (or, in a cluster, valueFrom)' }];
  if (valueFrom === undefined || (candidate.platform === 'cluster' && runsAsPod(candidate))) return [];
  return [{ path: `${path}.valueFrom`, message: 'works in a cluster with executor Job only; give a value' }];
}

function variableSizes(candidate: Candidate): Problem[] {
  const encoder = new TextEncoder();
  let total = 0;
  const problems = soundEntries(candidate.spec.env, 'spec.env', candidate).flatMap(
    ([{ name, value }, path]) => {
      const bytes = encoder.encode(`${name}=${value ?? ''}`).length;
      total += bytes + 1;
      if (bytes <= VARIABLE_MAX_BYTES) return [];
      return [
        { path, message: `must have at most ${VARIABLE_MAX_BYTES} bytes with its name; it has ${bytes}` },
      ];
    },
  );
  if (problems.length > 0 || total <= TOTAL_MAX_BYTES) return problems;
  return [
    { path: 'spec.env', message: `must have at most ${TOTAL_MAX_BYTES} bytes in all; it has ${total}` },
  ];
}

const SOURCES = ['file', 'configMapRef', 'secretRef'] as const;

function sources(candidate: Candidate): Problem[] {
  return soundEntries(candidate.spec.envFrom, 'spec.envFrom', candidate).flatMap(([source, path]) => {
    const given = SOURCES.filter((kind) => source[kind] !== undefined);
    const [kind] = given;
    if (kind === undefined || given.length > 1) {
      return [{ path, message: `must have exactly one of ${SOURCES.join(', ')}` }];
    }
    return kind === 'file'
      ? fileProblems(source, path, candidate)
      : referenceProblems(source, `${path}.${kind}`, candidate);
  });
}

function fileProblems({ file }: EnvFrom, path: string, { platform }: Candidate): Problem[] {
  if (platform !== 'local')
    return [
      { path: `${path}.file`, message: 'works in the local daemon only; use configMapRef or secretRef' },
    ];
  if (file!.startsWith('/')) return [];
  return [{ path: `${path}.file`, message: `must be an absolute path, not ${show(file)}` }];
}

function referenceProblems(source: EnvFrom, path: string, candidate: Candidate): Problem[] {
  if (candidate.platform !== 'cluster') return [{ path, message: 'works in a cluster only; use file' }];
  if (!runsAsPod(candidate)) return [{ path, message: 'works with executor Job only' }];
  const problems: Problem[] = [];
  const reference = source.configMapRef ?? source.secretRef;
  if (!isMapping(reference) || typeof reference.name !== 'string' || reference.name === '') {
    problems.push({ path: `${path}.name`, message: 'is required' });
  }
  if (source.optional !== undefined) {
    problems.push({
      path: path.replace(/\.\w+$/, '.optional'),
      message: 'goes with file only; put it inside the reference',
    });
  }
  return problems;
}
