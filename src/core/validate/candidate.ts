// The input and the answer of a rule about a spec.
import type { Problem } from '../errors.ts';
import { EXECUTORS, type Platform } from '../executor.ts';
import type { CheckedSpec } from '../spec/job-spec.ts';
import { DEFAULT_EXECUTOR } from './defaults.ts';

/** A spec whose shape was checked. */
export interface Candidate {
  spec: CheckedSpec;
  platform: Platform;
  /** Whether the field at the path has the right shape. */
  sound: (path: string) => boolean;
}

/** Returns one problem per fault; an empty list for a good spec. */
export type Rule = (candidate: Candidate) => Problem[];

/** Whether the runs of the job are Pods, which spec.job describes. */
export function runsAsPod({ spec, platform }: Pick<Candidate, 'spec' | 'platform'>): boolean {
  return EXECUTORS[spec.executor ?? DEFAULT_EXECUTOR[platform]].hasPod;
}
