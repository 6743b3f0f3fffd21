// What a rule about a spec is given, and what it answers.
import type { Problem } from '../errors.ts';
import type { Platform } from '../executor.ts';
import type { CheckedSpec } from '../job.ts';
import { DEFAULT_EXECUTOR } from './defaults.ts';

/** A spec whose shape was checked; `sound` tells whether the shape of a field had no problem. */
export interface Candidate {
  spec: CheckedSpec;
  platform: Platform;
  sound: (path: string) => boolean;
}

/** Finds nothing, or what is wrong and where. */
export type Rule = (candidate: Candidate) => Problem[];

/** Runs the command of this job as a Kubernetes Job rather than as a subprocess. */
export function runsAsKubernetesJob({ spec, platform }: Pick<Candidate, 'spec' | 'platform'>): boolean {
  return (spec.executor ?? DEFAULT_EXECUTOR[platform]) === 'Job';
}
