// The log of a run’s Pod from its kubelet, followed through breaks of the connection.
import { LshError } from '../../core/errors.ts';
import type { Run } from '../../core/run.ts';
import { isNotFound, statusCode } from '../api/api-errors.ts';
import { callError } from './call-errors.ts';
import { RUN_CONTAINER, RUN_LABEL } from '../objects/kube-job.ts';
import { listAll } from '../api/list-all.ts';
import { resumed } from './resumed.ts';
import { withCallError, type Scope } from './api-calls.ts';
import type { KubeList } from '../api/objects.ts';
import type { Pod } from '../objects/pod.ts';
import { watch } from '../api/watch/watch.ts';

const WATCH_SECONDS = 300;

interface FollowOptions {
  signal: AbortSignal;
  /** Continue until the container has ended. */
  follow: boolean;
}

/**
 * Name of the run’s Pod whose container has a log; undefined without one. With `wait`, an active run’s Pod is waited
 * for.
 */
export async function podOfRun(
  scope: Scope,
  run: Run,
  { wait, signal }: { wait: boolean; signal: AbortSignal },
): Promise<string | undefined> {
  for (;;) {
    const { items, metadata } = await listPods(scope, run, signal);
    const ready = items.find(hasLog);
    if (ready) return ready.metadata.name;
    if (!wait || run.finishedAt !== undefined) return undefined;
    const pod = await nextPodWithLog(scope, run, metadata.resourceVersion, signal);
    if (pod !== undefined) return pod;
  }
}

function listPods({ client, namespace }: Scope, run: Run, signal: AbortSignal): Promise<KubeList<Pod>> {
  const query = { labelSelector: `${RUN_LABEL}=${run.name}` };
  const list = listAll<Pod>(client, { path: podPath(namespace), query, pageSize: 10, signal });
  return withCallError(list, { server: client.server, verb: 'list', resource: 'pods', namespace });
}

async function nextPodWithLog(
  { client, namespace }: Scope,
  run: Run,
  resourceVersion: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const request = {
    path: podPath(namespace),
    query: { labelSelector: `${RUN_LABEL}=${run.name}` },
    resourceVersion,
    timeoutSeconds: WATCH_SECONDS,
    signal,
    onOpen: () => {},
  };
  try {
    for await (const event of watch<Pod>(client, request)) {
      if (event.type === 'BOOKMARK') continue;
      if (hasLog(event.object)) return event.object.metadata.name;
    }
    return undefined;
  } catch (error) {
    throw callError(error, { server: client.server, verb: 'watch', resource: 'pods', namespace });
  }
}

function hasLog({ status }: Pod): boolean {
  const state = commandState(status);
  return state?.running !== undefined || state?.terminated !== undefined;
}

function commandState(status: Pod['status']) {
  return status?.containerStatuses?.find(({ name }) => name === RUN_CONTAINER)?.state;
}

function podPath(namespace: string, pod?: string): string {
  return `/api/v1/namespaces/${namespace}/pods${pod === undefined ? '' : `/${pod}`}`;
}

/** The bytes of the log. With `follow`, continues to the end of the container; a break repeats no bytes. */
export function podLog(
  scope: Scope,
  pod: string,
  { follow, signal }: FollowOptions,
): AsyncGenerator<Uint8Array> {
  return resumed({
    open: () => open(scope, pod, { follow, signal }),
    // When the API server loses the kubelet, the log just ends; only the Pod shows that more will come.
    goesOn: () => isRunning(scope, pod, signal),
    isFinal: (error) => error instanceof LshError,
    failure: (error) => logError(error, scope, pod),
    follow,
    signal,
  });
}

async function isRunning({ client, namespace }: Scope, pod: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { status } = await client.json<Pod>({ path: podPath(namespace, pod), signal });
    return commandState(status)?.terminated === undefined;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function* open(
  { client, namespace }: Scope,
  pod: string,
  { follow, signal }: FollowOptions,
): AsyncGenerator<Uint8Array> {
  const path = `${podPath(namespace, pod)}/log`;
  let body;
  try {
    ({ body } = await client.request({ path, query: { container: RUN_CONTAINER, follow }, signal }));
  } catch (error) {
    const status = statusCode(error);
    if (status !== undefined && status < 500) throw logError(error, { client, namespace }, pod);
    throw error;
  }
  yield* body.stream();
}

function logError(error: unknown, { client, namespace }: Scope, pod: string): unknown {
  if (isNotFound(error))
    return new LshError('LOG_NOT_KEPT', { name: pod, detail: 'its pod is gone' }, { cause: error });
  return callError(error, { server: client.server, verb: 'get', resource: 'pods/log', namespace, name: pod });
}
