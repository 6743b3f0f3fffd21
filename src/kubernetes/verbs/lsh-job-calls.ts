// The calls about LshJob objects that a person's command makes, each failure in words. Knows no informer: a
// command asks once and is gone.
import { LshError } from '../../core/errors.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../api/api-errors.ts';
import { callError, type Call } from './call-errors.ts';
import type { KubeClient, KubeRequest } from '../api/client.ts';
import { listAll } from '../api/list-all.ts';
import { GROUP, lshJobPath, PLURAL, type LshJob } from '../objects/lsh-job.ts';

/** Where the jobs are. */
export interface Scope {
  client: KubeClient;
  namespace: string;
}

/** An object as it is sent: what the server sets is not there yet. */
export type NewLshJob = Omit<LshJob, 'metadata' | 'status'> & {
  metadata: Partial<LshJob['metadata']> & { name: string };
};

const RESOURCE = `${PLURAL}.${GROUP}`;
/** Who wrote a field, as `kubectl get --show-managed-fields` tells. */
const FIELD_MANAGER = 'lsh-cli';
const PAGE_SIZE = 500;
const TRIES = 20;

/** The object; JOB_NOT_FOUND, or NAMESPACE_NOT_FOUND where that is why. */
export async function getLshJob(scope: Scope, name: string, signal?: AbortSignal): Promise<LshJob> {
  try {
    return await send(scope, 'get', name, { signal });
  } catch (error) {
    if (error instanceof LshError && error.code === 'JOB_NOT_FOUND') await assertNamespace(scope);
    throw error;
  }
}

/** The object, or undefined where there is none. */
export async function findLshJob(scope: Scope, name: string): Promise<LshJob | undefined> {
  try {
    return await getLshJob(scope, name);
  } catch (error) {
    if (error instanceof LshError && error.code === 'JOB_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Every object of the namespace, or of all namespaces. */
export async function listLshJobs(scope: Scope, allNamespaces = false): Promise<LshJob[]> {
  const { client } = scope;
  const namespace = allNamespaces ? undefined : scope.namespace;
  const call = { server: client.server, verb: 'list', resource: RESOURCE, namespace };
  const list = listAll<LshJob>(client, { path: lshJobPath(namespace), query: {}, pageSize: PAGE_SIZE });
  const { items } = await withCallError(list, call);
  if (items.length === 0 && !allNamespaces) await assertNamespace(scope);
  return items;
}

interface WriteOptions {
  /** The server does everything but keep the result. */
  dryRun: boolean;
}

export function createLshJob(scope: Scope, object: NewLshJob, options: WriteOptions): Promise<LshJob> {
  return send(scope, 'create', undefined, { method: 'POST', body: object, query: written(options) });
}

/** Refused with a conflict where the object is no longer the version that is sent. */
export function replaceLshJob(scope: Scope, object: LshJob, options: WriteOptions): Promise<LshJob> {
  return send(scope, 'update', object.metadata.name, {
    method: 'PUT',
    body: object,
    query: written(options),
  });
}

/** Changes the fields that are given; a resourceVersion among them makes it a condition. */
export function patchLshJob(scope: Scope, name: string, body: object): Promise<LshJob> {
  const contentType = 'application/merge-patch+json';
  const query = written({ dryRun: false });
  return send(scope, 'patch', name, { method: 'PATCH', body, contentType, query });
}

/** What the object owns, its Kubernetes Jobs and their pods, goes with it. */
export async function deleteLshJob(scope: Scope, { metadata: { name, uid } }: LshJob): Promise<void> {
  const body = {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    propagationPolicy: 'Background',
    preconditions: { uid },
  };
  await send(scope, 'delete', name, { method: 'DELETE', body });
}

/** Does it again, from its reading on, for as long as somebody else writes in between. */
export async function retryOnConflict<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const cause = error instanceof LshError ? error.cause : undefined;
      if (tries >= TRIES || !(isConflict(cause) || isAlreadyExists(cause))) throw error;
    }
  }
}

/** The promise, with what it rejects with in words. */
export async function withCallError<T>(answer: Promise<T>, call: Call): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw callError(error, call);
  }
}

function send(
  { client, namespace }: Scope,
  verb: string,
  name: string | undefined,
  request: Omit<KubeRequest, 'path'>,
): Promise<LshJob> {
  const call = { server: client.server, verb, resource: RESOURCE, namespace, name };
  return withCallError(client.json({ path: lshJobPath(namespace, name), ...request }), call);
}

function written({ dryRun }: WriteOptions): KubeRequest['query'] {
  return { fieldManager: FIELD_MANAGER, ...(dryRun && { dryRun: 'All' }) };
}

/** Throws NAMESPACE_NOT_FOUND where it is certain; who may not look at namespaces is not told more. */
async function assertNamespace({ client, namespace }: Scope): Promise<void> {
  try {
    await client.json({ path: `/api/v1/namespaces/${namespace}` });
  } catch (error) {
    if (isNotFound(error)) throw new LshError('NAMESPACE_NOT_FOUND', { namespace }, { cause: error });
  }
}
