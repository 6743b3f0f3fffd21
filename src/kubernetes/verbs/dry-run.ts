// Asks the API server whether it would accept the Kubernetes Job of a document, for `lsh cron validate --cluster`.
import type { LshError } from '../../core/errors.ts';
import type { Job, JobManifest } from '../../core/job.ts';
import { jobKey } from '../../core/naming.ts';
import { parseManifest } from '../../core/validate/validate.ts';
import { invalidity } from '../api/api-errors.ts';
import { hasUncheckedParts, dryRunRequest, kubeJobInvalid } from '../objects/kube-job-request.ts';
import type { KubeJobDefaults } from '../objects/kube-job.ts';
import { withClusterDefaults } from '../objects/lsh-job.ts';
import type { Scope } from './api-calls.ts';
import { callError } from './call-errors.ts';

const NO_UID = '00000000-0000-0000-0000-000000000000';

/** Whether an answer of the server would add anything to the check of the document, which is valid by itself. */
export function isWorthAsking(manifest: JobManifest): boolean {
  return hasUncheckedParts(withClusterDefaults(parseManifest(manifest, 'cluster').spec));
}

/** Why the server would refuse the Kubernetes Job; undefined if it would not. Throws if it gives no answer. */
export async function kubeJobProblem(
  { client, namespace }: Scope,
  manifest: JobManifest,
  defaults: KubeJobDefaults,
): Promise<LshError | undefined> {
  const { metadata, spec } = parseManifest(manifest, 'cluster');
  const { name } = metadata;
  const job: Job = {
    key: jobKey(namespace, name),
    namespace,
    name,
    uid: NO_UID,
    generation: 1,
    createdAt: 0,
    spec: withClusterDefaults(spec),
  };
  try {
    await client.json(dryRunRequest(job, defaults));
    return undefined;
  } catch (error) {
    const detail = invalidity(error);
    if (detail !== undefined) return kubeJobInvalid(detail, error);
    throw callError(error, { server: client.server, verb: 'create', resource: 'jobs.batch', namespace });
  }
}
