// What a job’s definition says about the other jobs of its home: a cycle is refused, what looks like a mistake is a warning.
import { cycleOf } from './cycle.ts';
import type { JobSpec } from '../../spec/job-spec.ts';

type Definition = { name: string; spec: Pick<JobSpec, 'after' | 'concurrencyGroup'> };

/** Whether the definition names other jobs at all. */
export function namesOthers({ after, concurrencyGroup }: Definition['spec']): boolean {
  return after !== undefined || concurrencyGroup !== undefined;
}

/** Sentences about the definition. Throws AFTER_CYCLE for a job that would start itself. */
export function relatedWarnings({ name, spec }: Definition, others: readonly Definition[]): string[] {
  const specs = new Map(others.map((other) => [other.name, other.spec]));
  const cycle = cycleOf(name, spec.after, (job) => specs.get(job)?.after);
  if (cycle !== undefined) throw cycle;
  const unknown = (spec.after ?? []).filter(({ job }) => !specs.has(job));
  return [
    ...unknown.map(({ job }) => `There is no job "${job}" yet; its ends start this job once it exists.`),
    ...groupWarnings({ name, spec }, others),
  ];
}

/** Sentences about the jobs that lose what they follow when the job is removed. */
export function removalWarnings(name: string, others: readonly Definition[]): string[] {
  return others
    .filter(({ spec }) => spec.after?.some(({ job }) => job === name))
    .map(
      (other) =>
        `Job "${other.name}" follows job "${name}"; no end starts it until there is such a job again.`,
    );
}

/** The smallest max of a group applies, so another number has no effect. */
function groupWarnings({ name, spec }: Definition, others: readonly Definition[]): string[] {
  const { concurrencyGroup: group } = spec;
  if (group === undefined) return [];
  const differs = ({ name: theirs, spec: { concurrencyGroup: other } }: Definition) =>
    theirs !== name && other?.name === group.name && other.max !== group.max;
  const other = others.find(differs);
  if (other === undefined) return [];
  const max = other.spec.concurrencyGroup!.max;
  return [
    `Job "${other.name}" gives the group ${group.name} max ${max}, and this job ${group.max}: ${Math.min(max, group.max)} applies.`,
  ];
}
