// The API calls of a person’s command about LshJobs and CronJobs; each failure is an LshError with a sentence. Knows no
// informer: a command reads once and exits.
import { LshError } from '../../core/errors.ts';
import { jobNotFound } from '../../core/closest.ts';
import { isAlreadyExists, isConflict, isNotFound, statusBody } from '../api/api-errors.ts';
import { callError, type Call } from './call-errors.ts';
import type { KubeClient, KubeRequest } from '../api/client.ts';
import { listAll } from '../api/list-all.ts';
import { GROUP, lshJobPath, PLURAL, type LshJob } from '../objects/lsh-job.ts';

/** The cluster and namespace of a command. */
export interface Scope {
  client: KubeClient;
  namespace: string;
}

/** An LshJob before the server has set its uid, version and times. */
export type NewLshJob = Omit<LshJob, 'metadata' | 'status'> & {
  metadata: Partial<LshJob['metadata']> & { name: string };
};

const RESOURCE = `${PLURAL}.${GROUP}`;
/** The writer of a field, as `kubectl get --show-managed-fields` shows it. */
const FIELD_MANAGER = 'lsh-cli';
const PAGE_SIZE = 500;
const TRIES = 20;
/** Newest first: servers before 1.21 have only the second. */
const CRON_JOB_VERSIONS = ['batch/v1', 'batch/v1beta1'];

/** Throws JOB_NOT_FOUND, or NAMESPACE_NOT_FOUND if that is the cause. */
export async function getLshJob(scope: Scope, name: string, signal?: AbortSignal): Promise<LshJob> {
  const lshJob = await findLshJob(scope, name, signal);
  if (lshJob !== undefined) return lshJob;
  // A user may have the right to read a job by name, and none to list: then there is no suggestion.
  const others = await listLshJobs(scope).catch(() => []);
  throw jobNotFound(
    name,
    others.map(({ metadata }) => metadata.name),
  );
}

/** As getLshJob(), but undefined for a job that does not exist. */
export async function findLshJob(
  scope: Scope,
  name: string,
  signal?: AbortSignal,
): Promise<LshJob | undefined> {
  try {
    return await send(scope, 'get', name, { signal });
  } catch (error) {
    if (!(error instanceof LshError) || error.code !== 'JOB_NOT_FOUND') throw error;
    await assertNamespace(scope);
    return undefined;
  }
}

/** Every LshJob of the namespace, or of all namespaces. Throws NAMESPACE_NOT_FOUND for one that does not exist. */
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
  /** The server checks and answers as for a write, but stores nothing. */
  dryRun: boolean;
}

export function createLshJob(scope: Scope, object: NewLshJob, options: WriteOptions): Promise<LshJob> {
  return send(scope, 'create', undefined, { method: 'POST', body: object, query: writeQuery(options) });
}

/** Conflicts if the server has a newer version than `object`. */
export function replaceLshJob(scope: Scope, object: LshJob, options: WriteOptions): Promise<LshJob> {
  return send(scope, 'update', object.metadata.name, {
    method: 'PUT',
    body: object,
    query: writeQuery(options),
  });
}

/** Merges `body` into the LshJob; with a resourceVersion in it, conflicts if the server has a newer version. */
export function patchLshJob(scope: Scope, name: string, body: object): Promise<LshJob> {
  const contentType = 'application/merge-patch+json';
  const query = writeQuery({ dryRun: false });
  return send(scope, 'patch', name, { method: 'PATCH', body, contentType, query });
}

/** Deletes the LshJob; Kubernetes then deletes its Kubernetes Jobs and their Pods. */
export async function deleteLshJob(scope: Scope, { metadata: { name, uid } }: LshJob): Promise<void> {
  const body = {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    propagationPolicy: 'Background',
    preconditions: { uid },
  };
  await send(scope, 'delete', name, { method: 'DELETE', body });
}

/** Repeats a read and write, up to 20 times, while another client writes in between. */
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

/** The answer; its failure becomes an LshError about the call. */
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

function writeQuery({ dryRun }: WriteOptions): KubeRequest['query'] {
  return { fieldManager: FIELD_MANAGER, ...(dryRun && { dryRun: 'All' }) };
}

/** Throws NAMESPACE_NOT_FOUND if the server confirms it; without the right to read namespaces, does nothing. */
async function assertNamespace({ client, namespace }: Scope): Promise<void> {
  try {
    await client.json({ path: `/api/v1/namespaces/${namespace}` });
  } catch (error) {
    if (isNotFound(error)) throw new LshError('NAMESPACE_NOT_FOUND', { namespace }, { cause: error });
  }
}

/** The CronJob with its apiVersion and kind. Throws CRONJOB_NOT_FOUND. */
export async function readCronJob({ client, namespace }: Scope, name: string): Promise<unknown> {
  for (const version of CRON_JOB_VERSIONS) {
    try {
      return await client.json({ path: `/apis/${version}/namespaces/${namespace}/cronjobs/${name}` });
    } catch (error) {
      const resource = 'cronjobs.batch';
      if (!isNotFound(error))
        throw callError(error, { server: client.server, verb: 'get', resource, namespace, name });
      // An answer with the name means that the CronJob is missing; without it, the server lacks the API version.
      if (statusBody(error)?.details?.name !== undefined) break;
    }
  }
  throw new LshError('CRONJOB_NOT_FOUND', { name, namespace });
}
