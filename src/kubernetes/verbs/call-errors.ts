// What went wrong with a call that a person asked for, as an error with a sentence and a next step. Pure.
import { LshError, type Problem } from '../../core/errors.ts';
import { describeError, statusBody, statusCode, type StatusBody } from '../api/api-errors.ts';

/** What was asked of which server. */
export interface Call {
  server: string;
  /** As RBAC names it: get, list, create, update, patch, delete, watch. */
  verb: string;
  /** As RBAC names it, such as `lshjobs.lsh.dev` or `pods/log`. */
  resource: string;
  /** Undefined for what belongs to no namespace, or for all of them. */
  namespace?: string;
  /** Of the object, where the call is about one. */
  name?: string;
}

/** What was thrown as an LshError; aborts and LshErrors stay as they are. */
export function callError(error: unknown, call: Call): unknown {
  if (error instanceof LshError || (error instanceof Error && error.name === 'AbortError')) return error;
  const { server } = call;
  const status = statusCode(error);
  const body = statusBody(error);
  if (status === undefined) {
    return new LshError('CLUSTER_UNREACHABLE', { server, detail: describeError(error) }, { cause: error });
  }
  if (status === 401) return new LshError('CLUSTER_UNAUTHORIZED', { server }, { cause: error });
  if (status === 403 && isByRole(body)) return forbidden(call, error);
  if (status === 404) return notFound(body, call, error);
  if (status === 422) return invalid(body, error);
  return refused(call, error);
}

/** A quota or an admission webhook refuses with the same status, and no role would change that. */
function isByRole(body: StatusBody | undefined): boolean {
  return / cannot \w+ (resource|path) /.test(body?.message ?? ' cannot access resource ');
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
  const hint = `See the jobs of the namespace with \`lsh cron list --cluster --namespace ${namespace}\`, all with -A.`;
  return new LshError('JOB_NOT_FOUND', { name }, { cause, hint });
}

function invalid(body: StatusBody | undefined, cause: unknown): LshError {
  const problems = (body?.details?.causes ?? []).map(({ field = '', message = '' }): Problem => ({
    path: field.replace('<nil>', ''),
    message,
  }));
  return new LshError(
    'JOB_INVALID',
    { detail: body?.message ?? 'the API server says so.' },
    { cause, problems },
  );
}

function refused({ verb, resource, name }: Call, cause: unknown): LshError {
  const what = name === undefined ? resource : `${resource} "${name}"`;
  const detail = `${verb} ${what}: ${describeError(cause).replace(/\.$/, '')}`;
  const hint = 'The sentence is the API server’s own; kubectl would be told the same.';
  return new LshError('CLUSTER_REFUSED', { detail }, { cause, hint });
}
