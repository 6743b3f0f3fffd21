// The API server’s errors, told apart. Pure.
import { ApiException } from '@kubernetes/client-node';
import { LshError } from '../../core/errors.ts';

/** The fields of a Kubernetes Status that tell errors apart. */
export interface StatusBody {
  code?: number;
  reason?: string;
  message?: string;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    /** The problems of an object, field by field. */
    causes?: { field?: string; message?: string }[];
  };
}

/** HTTP status of the answer; undefined if the server did not answer. */
export function statusCode(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined;
}

/** The server’s Status; undefined if the answer had none (a proxy’s page, a broken connection). */
export function statusBody(error: unknown): StatusBody | undefined {
  if (!(error instanceof ApiException) || typeof error.body !== 'string') return undefined;
  try {
    const body: unknown = JSON.parse(error.body);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

/** A Status from inside a watch, as the error that the same answer to a call would throw. */
export function statusError(status: StatusBody): ApiException<string> {
  return new ApiException(status.code ?? 500, status.message ?? 'watch ended', JSON.stringify(status), {});
}

export function isNotFound(error: unknown): boolean {
  return statusCode(error) === 404;
}

/** The object changed since it was read. AlreadyExists has the same status code, and is no conflict. */
export function isConflict(error: unknown): boolean {
  return statusCode(error) === 409 && !isAlreadyExists(error);
}

export function isAlreadyExists(error: unknown): boolean {
  return statusCode(error) === 409 && statusBody(error)?.reason === 'AlreadyExists';
}

/** The resourceVersion or the continue token has expired. */
export function isGone(error: unknown): boolean {
  return statusCode(error) === 410;
}

/** Whether the server may have carried out the write that failed like this: no answer came, or a 5xx. */
export function isUncertain(error: unknown): boolean {
  if (error instanceof LshError) return false; // refused before it was sent
  return (statusCode(error) ?? 500) >= 500;
}

/** Whether RBAC refused the call. A quota or an admission webhook answers with the same status and other words. */
export function isDeniedByRbac(error: unknown): boolean {
  const message = statusBody(error)?.message ?? '';
  return statusCode(error) === 403 && / cannot \w+ (resource|path) /.test(message);
}

/** Whether a ResourceQuota refused one more Kubernetes Job. */
export function isJobQuotaExceeded(error: unknown): boolean {
  const message = statusBody(error)?.message ?? '';
  return (
    statusCode(error) === 403 && /exceeded quota: .*\brequested: [^ ]*\bcount\/jobs\.batch=/.test(message)
  );
}

const NEVER_VALID = new Set([400, 413, 422]);

/** Why the server will never accept the object as it was sent; undefined for a failure worth a retry. */
export function rejection(error: unknown): string | undefined {
  const status = statusCode(error);
  if (status === undefined) return undefined;
  const isInvalid = NEVER_VALID.has(status) || (status === 403 && !isDeniedByRbac(error));
  // etcd’s size limit; the server passes its error on with a 5xx.
  const isTooLarge = statusBody(error)?.message?.includes('request is too large') === true;
  return isInvalid || isTooLarge ? describeError(error) : undefined;
}

/** Why the object itself is invalid, whatever the cluster holds; undefined for any other failure. */
export function invalidity(error: unknown): string | undefined {
  const status = statusCode(error);
  const { message = '' } = statusBody(error) ?? {};
  // A webhook answers with any status, and may judge otherwise later.
  return (status === 400 || status === 422) && !message.includes('admission webhook') ? message : undefined;
}

/** Milliseconds that the server asks to wait; undefined if it does not ask. */
export function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof ApiException) || (error.code !== 429 && error.code < 500)) return undefined;
  const header = Object.entries(error.headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  const seconds = Number(header ?? statusBody(error)?.details?.retryAfterSeconds ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** One line for a log: the server’s own message if it sent one. */
export function describeError(error: unknown): string {
  const status = statusCode(error);
  if (status !== undefined) return `HTTP ${status}: ${statusBody(error)?.message ?? 'no message'}`;
  if (!(error instanceof Error)) return String(error);
  // Node tried every address of the host, and each failed: the error of the first says why.
  if (error instanceof AggregateError && error.errors.length > 0) return describeError(error.errors[0]);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
