// The failure of a person’s API call, as an LshError with a sentence and a next step. Pure.
import { LshError, type Problem } from '../../core/errors.ts';
import { describeError, isDeniedByRbac, statusBody, statusCode, type StatusBody } from '../api/api-errors.ts';

/** An API call, as its error describes it. */
export interface Call {
  server: string;
  /** As RBAC names it: get, list, create, update, patch, delete, watch. */
  verb: string;
  /** As RBAC names it, such as `lshjobs.lsh.dev` or `pods/log`. */
  resource: string;
  /** Undefined for cluster-scoped resources and for all namespaces. */
  namespace?: string;
  /** Undefined for a call about a collection. */
  name?: string;
}

/** The error as an LshError; aborts and LshErrors stay as they are. */
export function callError(error: unknown, call: Call): unknown {
  if (error instanceof LshError || (error instanceof Error && error.name === 'AbortError')) return error;
  const { server } = call;
  const status = statusCode(error);
  const body = statusBody(error);
  if (status === undefined) {
    return new LshError('CLUSTER_UNREACHABLE', { server, detail: describeError(error) }, { cause: error });
  }
  if (status === 401) return new LshError('CLUSTER_UNAUTHORIZED', { server }, { cause: error });
  if (status === 403 && (body?.message === undefined || isDeniedByRbac(error))) return forbidden(call, error);
  if (status === 404) return notFound(body, call, error);
  if (status === 422) return invalid(body, error);
  return refused(call, error);
}

function forbidden({ verb, resource, namespace }: Call, cause: unknown): LshError {
  const scope = namespace === undefined ? 'the whole cluster' : `namespace "${namespace}"`;
  const where = namespace === undefined ? '--all-namespaces' : `--namespace ${namespace}`;
  const hint = `Ask for a role that allows it; see \`kubectl auth can-i ${verb} ${resource} ${where}\`.`;
  return new LshError('CLUSTER_FORBIDDEN', { verb, resource, scope }, { cause, hint });
}

function notFound(body: StatusBody | undefined, call: Call, cause: unknown): LshError {
  const { name, kind } = body?.details ?? {};
  if (kind === 'namespaces' && name !== undefined) {
    return new LshError('NAMESPACE_NOT_FOUND', { namespace: name }, { cause });
  }
  if (!call.resource.startsWith('lshjobs')) return refused(call, cause);
  if (name === undefined) return new LshError('CRD_MISSING', { server: call.server }, { cause });
  const { namespace = '' } = call;
  const hint = `List the jobs of the namespace with \`lsh cron list --cluster --namespace ${namespace}\`, all with -A.`;
  return new LshError('JOB_NOT_FOUND', { name }, { cause, hint });
}

function invalid(body: StatusBody | undefined, cause: unknown): LshError {
  const problems = (body?.details?.causes ?? []).map(({ field = '', message = '' }): Problem => ({
    path: field.replace('<nil>', ''),
    message,
  }));
  return new LshError(
    'JOB_INVALID',
    { detail: body?.message ?? 'the API server rejects it without a message.' },
    { cause, problems },
  );
}

function refused({ verb, resource, name }: Call, cause: unknown): LshError {
  const object = name === undefined ? resource : `${resource} "${name}"`;
  const detail = `${verb} ${object}: ${describeError(cause).replace(/\.$/, '')}`;
  const hint = 'The API server says this itself; kubectl would get the same answer.';
  return new LshError('CLUSTER_REFUSED', { detail }, { cause, hint });
}
