// The defaults that differ between the platforms. All others stand in the schema of the spec.
import type { Executor, Platform } from '../executor.ts';
import type { CheckedSpec, JobSpec } from '../spec/job-spec.ts';

export const DEFAULT_EXECUTOR: Readonly<Record<Platform, Executor>> = { local: 'Shell', cluster: 'Job' };

/** What a job in a cluster has where its spec is silent. */
export const CLUSTER_DEFAULTS = { timeZone: 'UTC' };

/** Resolves a spec for its platform; `timeZone` is the zone of a job that names none. */
export function withPlatformDefaults(
  spec: CheckedSpec,
  platform: Platform,
  { timeZone }: { timeZone: string },
): JobSpec {
  const secret = spec.secretsEnv !== undefined || (spec.envFrom ?? []).some(({ secretRef }) => secretRef);
  return {
    ...spec,
    timeZone: spec.timeZone ?? timeZone,
    executor: spec.executor ?? DEFAULT_EXECUTOR[platform],
    // The output goes to the status: every user who may read LshJobs would read a secret that a command prints.
    captureOutput: spec.captureOutput ?? !(platform === 'cluster' && secret),
  };
}
