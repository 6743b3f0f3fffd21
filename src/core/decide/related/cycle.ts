// Whether jobs that follow each other would start each other forever.
import { LshError } from '../../errors.ts';
import type { JobSpec } from '../../spec/job-spec.ts';

/** The jobs of a home by name; undefined for an unknown one. */
export type AfterOf = (job: string) => JobSpec['after'];

/** AFTER_CYCLE with the jobs on the way, if the job follows itself, directly or over others. */
export function cycleOf(name: string, after: JobSpec['after'], afterOf: AfterOf): LshError | undefined {
  const seen = new Set<string>();
  const pending = (after ?? []).map(({ job }) => [job]);
  while (pending.length > 0) {
    const way = pending.pop()!;
    const job = way.at(-1)!;
    if (job === name) return new LshError('AFTER_CYCLE', { name, way: [name, ...way].join(' after ') });
    if (seen.has(job)) continue;
    seen.add(job);
    for (const { job: next } of afterOf(job) ?? []) pending.push([...way, next]);
  }
  return undefined;
}
