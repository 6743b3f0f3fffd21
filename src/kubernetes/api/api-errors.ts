// What the API server meant by an error. Pure.
import { ApiException } from '@kubernetes/client-node';
import { LshError } from '../../core/errors.ts';

/** The part of a Kubernetes Status that tells errors apart. */
export interface StatusBody {
  code?: number;
  reason?: string;
  message?: string;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    /** What is wrong with an object, field by field. */
    causes?: { field?: string; message?: string }[];
  };
}

/** The HTTP status of an answer; undefined where the server did not answer at all. */
export function statusCode(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined;
}

/** The server’s Status; undefined where it sent none (a proxy’s page, a broken connection). */
export function statusBody(error: unknown): StatusBody | undefined {
  if (!(error instanceof ApiException) || typeof error.body !== 'string') return undefined;
  try {
    const body: unknown = JSON.parse(error.body);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

/** A Status that came inside a watch, as the error that the same answer to a call would be. */
export function statusError(status: StatusBody): ApiException<string> {
  return new ApiException(status.code ?? 500, status.message ?? 'watch ended', JSON.stringify(status), {});
}

export function isNotFound(error: unknown): boolean {
  return statusCode(error) === 404;
}

/** The object changed since it was read; AlreadyExists has the same status and is not this. */
export function isConflict(error: unknown): boolean {
  return statusCode(error) === 409 && !isAlreadyExists(error);
}

export function isAlreadyExists(error: unknown): boolean {
  return statusCode(error) === 409 && statusBody(error)?.reason === 'AlreadyExists';
}

/** The server no longer knows the resourceVersion or the continue token. */
export function isGone(error: unknown): boolean {
  return statusCode(error) === 410;
}

/** Whether a write that ended so may have been carried out: no answer came, or one that does not say. */
export function isUncertain(error: unknown): boolean {
  if (error instanceof LshError) return false; // refused before it was sent
  return (statusCode(error) ?? 500) >= 500;
}

/** How long the server asks to wait, in milliseconds; undefined where it does not ask. */
export function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof ApiException) || (error.code !== 429 && error.code < 500)) return undefined;
  const header = Object.entries(error.headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  const seconds = Number(header ?? statusBody(error)?.details?.retryAfterSeconds ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** One line for a log: the server’s own sentence where it sent one. */
export function describeError(error: unknown): string {
  const status = statusCode(error);
  if (status !== undefined) return `HTTP ${status}: ${statusBody(error)?.message ?? 'no message'}`;
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`;
}
