// Whether the API server’s No to a new Job is the job’s own fault: then the run has failed and its retry policy
// decides. Everything else is tried again. Pure.
import { describeError, statusBody, statusCode } from '../api/api-errors.ts';

const NEVER_VALID = new Set([400, 413, 422]);

/** The server’s reason, as a sentence, for a Job that it will not take as it is. */
export function startRefusal(error: unknown): string | undefined {
  const status = statusCode(error);
  if (status === undefined) return undefined;
  const message = statusBody(error)?.message ?? '';
  // etcd’s limit, which the server passes on as an error of its own.
  if (NEVER_VALID.has(status) || message.includes('request is too large')) return describeError(error);
  // A quota or an admission rule; a right that we lack ourselves is worded differently.
  return status === 403 && !/cannot create resource/.test(message) ? describeError(error) : undefined;
}
