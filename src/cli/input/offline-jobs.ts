// Answers a dry run without a daemon or a cluster: checks each job by the rules of its platform, and knows no jobs.
import type { JobApi } from '../../contracts/job-api.ts';
import { requireSafeCommand } from '../../core/command-check/command-check.ts';
import { policyFor, type CommandSettings } from '../../core/command-check/policy.ts';
import { jobDocument } from '../../core/document.ts';
import { LshError } from '../../core/errors.ts';
import type { Platform } from '../../core/executor.ts';
import { jobKey, LOCAL_NAMESPACE } from '../../core/naming.ts';
import { outlook } from '../../core/schedule/next-slots.ts';
import { withPlatformDefaults } from '../../core/validate/defaults.ts';
import { parseManifest } from '../../core/validate/validate.ts';

/** The part of the API that an import calls. */
export type ImportApi = Pick<JobApi, 'list' | 'get' | 'put'>;

export interface OfflineOptions {
  platform: Platform;
  settings: CommandSettings;
  /** IANA zone of jobs without one. */
  timeZone: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Every job that `put` accepts is `created`. Throws JOB_INVALID and COMMAND_REFUSED as the platform does. */
export function offlineJobs({ platform, settings, timeZone, now }: OfflineOptions): ImportApi {
  return {
    list: async () => [],
    get: async ({ name }) => {
      throw new LshError('JOB_NOT_FOUND', { name });
    },
    put: async ({ job: manifest }) => {
      const { metadata, spec: given } = parseManifest(manifest, platform);
      const { name, namespace = LOCAL_NAMESPACE, ...marks } = metadata;
      const warnings = requireSafeCommand(given, policyFor({ namespace, name }, settings));
      const spec = withPlatformDefaults(given, platform, { timeZone });
      const key = jobKey(namespace, name);
      const job = { key, namespace, name, uid: '', generation: 1, createdAt: now(), ...marks, spec };
      return {
        result: 'created',
        changes: [],
        warnings,
        ...outlook(job, now()),
        job: jobDocument(job, []),
      };
    },
  };
}
