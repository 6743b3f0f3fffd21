// How a run ended in detail: exit code and cause from its Pod, and the end of its output from the Pod’s log.
import type { RunEnd } from '../../core/run.ts';
import type { KubeApi } from '../api/fence.ts';
import { RUN_CONTAINER, RUN_LABEL } from '../objects/kube-job.ts';
import type { KubeList } from '../api/objects.ts';
import { observationOf, type KubeJob, type Pod } from '../objects/kube-job-run.ts';

const LIST_TIMEOUT_MS = 10_000;
const LOG_TIMEOUT_MS = 5_000;
const TAIL_LINES = 50;
/** A line can be as long as it likes. */
const LOG_MAX_BYTES = 1024 * 1024;
const TAIL_MAX_CHARACTERS = 4096;

/** The end of a run whose Job has ended. Rejects when the server does not tell; a log that cannot be had is left out. */
export async function runEnd(api: KubeApi, job: KubeJob, captureOutput: boolean): Promise<RunEnd> {
  const completed = observationOf(job, []);
  // A Job that completed says all there is to know but the output.
  const needsPods = captureOutput || !('exitCode' in completed && completed.exitCode === 0);
  const pods = needsPods ? await podsOf(api, job) : [];
  const end = observationOf(job, pods);
  if (end.state !== 'Ended') throw new Error(`the Job ${job.metadata.name} has not ended`);
  const [pod] = pods;
  if (!captureOutput || pod === undefined) return end;
  const outputTail = await logTail(api, pod);
  return outputTail === undefined ? end : { ...end, outputTail };
}

/** The Pods of a run, newest first. */
async function podsOf(api: KubeApi, { metadata }: KubeJob): Promise<Pod[]> {
  const { items } = await api.json<KubeList<Pod>>({
    path: `/api/v1/namespaces/${metadata.namespace}/pods`,
    query: { labelSelector: `${RUN_LABEL}=${metadata.name}` },
    signal: AbortSignal.timeout(LIST_TIMEOUT_MS),
  });
  const created = (pod: Pod) => Date.parse(pod.metadata.creationTimestamp);
  return items.toSorted((a, b) => created(b) - created(a));
}

/** The end of what the run’s container wrote; undefined when its node does not answer or has it no more. */
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
