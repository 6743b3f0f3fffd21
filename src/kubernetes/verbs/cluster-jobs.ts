// JobApi against a cluster: every `lsh cron` verb is a call to the API server, which the operator acts upon.
import type { JobApi } from '../../contracts/job-api.ts';
import type { KubeClient } from '../api/client.ts';
import { jobBackfills } from './backfills.ts';
import { jobDefinitions, type DefinitionOptions } from './definitions.ts';
import { jobRequests, type RequestOptions } from './requests.ts';
import { jobRuns } from './runs.ts';
import { runLog, type RunLogOptions } from './run-log.ts';

export interface ClusterJobsOptions
  extends
    Omit<DefinitionOptions, 'scope'>,
    Omit<RunLogOptions, 'scope'>,
    Partial<Omit<RequestOptions, 'scope'>> {
  client: KubeClient;
  namespace: string;
}

const ANSWER_WITHIN_MS = 30_000;

/** The jobs of one namespace, with the rights of the client’s user. */
export function clusterJobs({ client, namespace, answerWithinMs, ...options }: ClusterJobsOptions): JobApi {
  const scope = { client, namespace };
  const requests = { scope, answerWithinMs: answerWithinMs ?? ANSWER_WITHIN_MS };
  return {
    ...jobDefinitions({ scope, ...options }),
    ...jobRequests(requests),
    ...jobBackfills(requests),
    ...jobRuns(scope),
    log: runLog({ scope, ...options }),
  };
}
