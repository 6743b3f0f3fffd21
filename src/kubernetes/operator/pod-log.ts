// The details of a run’s end: start, exit code and cause from its Pod, the end of its output from the Pod’s log.
import type { JobKey } from '../../core/job.ts';
import { splitKey } from '../../core/naming.ts';
import type { RunEnd } from '../../core/run.ts';
import type { KubeApi } from '../api/fence.ts';
import type { KubeList } from '../api/objects.ts';
import { isPastDeadline, newestFirst, observationOf, type KubeJob } from '../objects/kube-job-run.ts';
import type { Pod } from '../objects/pod.ts';
import { RUN_CONTAINER, RUN_LABEL } from '../objects/kube-job.ts';

const LIST_TIMEOUT_MS = 10_000;
/** How long a node may take beyond the grace period, milliseconds: a dead one never reports the end. */
const ENDING_SLACK_MS = 15_000;
const LOG_TIMEOUT_MS = 5_000;
const TAIL_LINES = 50;
/** Bounds the answer: a single line can have any length. */
const LOG_MAX_BYTES = 1024 * 1024;
const TAIL_MAX_CHARACTERS = 4096;

/**
 * The end of a run whose Kubernetes Job has ended, without its output if no log can be read; `later` while the command
 * still runs. Throws ApiException.
 */
export async function runEnd(
  api: KubeApi,
  kubeJob: KubeJob,
  { captureOutput, now }: { captureOutput: boolean; now: number },
): Promise<RunEnd | 'later'> {
  const { namespace = '', name } = kubeJob.metadata;
  const pods = await podsOf(api, namespace, name);
  const end = observationOf(kubeJob, pods);
  if (end.state !== 'Ended') throw new Error(`the Kubernetes Job ${kubeJob.metadata.name} has not ended`);
  const [pod] = pods;
  if (pod !== undefined && isEnding(pod) && now < end.finishedAt + graceMs(pod) + ENDING_SLACK_MS)
    return 'later';
  if (!captureOutput || pod === undefined) return end;
  const outputTail = await logTail(api, pod);
  return outputTail === undefined ? end : { ...end, outputTail };
}

/** Whether a Pod of the run exists that has not ended. Throws ApiException. */
export async function hasActivePod(api: KubeApi, key: JobKey, run: string): Promise<boolean> {
  const pods = await podsOf(api, splitKey(key).namespace, run);
  return pods.some(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
}

/** Kubelets up to 1.23 report a Pod as failed at its deadline, before its containers have ended. */
function isEnding(pod: Pod): boolean {
  const containers = pod.status?.containerStatuses ?? [];
  return isPastDeadline(pod) && containers.some(({ state }) => state?.running !== undefined);
}

function graceMs({ spec }: Pod): number {
  return (spec?.terminationGracePeriodSeconds ?? 0) * 1000;
}

/** The Pods of a run, newest first. */
async function podsOf(api: KubeApi, namespace: string, run: string): Promise<Pod[]> {
  const { items } = await api.json<KubeList<Pod>>({
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { labelSelector: `${RUN_LABEL}=${run}` },
    signal: AbortSignal.timeout(LIST_TIMEOUT_MS),
  });
  return newestFirst(items);
}

/** The end of the container’s log; undefined if its node does not answer or no longer has it. */
async function logTail(api: KubeApi, { metadata }: Pod): Promise<string | undefined> {
  try {
    const response = await api.request({
      path: `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/log`,
      query: { container: RUN_CONTAINER, tailLines: TAIL_LINES, limitBytes: LOG_MAX_BYTES },
      signal: AbortSignal.timeout(LOG_TIMEOUT_MS),
    });
    return (await response.body.text()).slice(-TAIL_MAX_CHARACTERS);
  } catch {
    return undefined;
  }
}
