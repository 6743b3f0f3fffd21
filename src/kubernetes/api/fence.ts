// Calls to the API server as the loop needs them: writes behind a fence, failures as LshErrors that are retried.
import { LshError } from '../../core/errors.ts';
import { describeError, retryAfterMs } from './api-errors.ts';
import type { KubeClient, KubeRequest } from './client.ts';

/** The calls of a KubeClient that the fence and tests can wrap. */
export type KubeApi = Pick<KubeClient, 'json' | 'request'>;

/** Rejects each write with NOT_LEADING while `mayWrite` is false; reads always pass. */
export function fenced(api: KubeApi, mayWrite: () => boolean): KubeApi {
  const check = ({ method = 'GET' }: KubeRequest): void => {
    if (method !== 'GET' && !mayWrite()) throw new LshError('NOT_LEADING');
  };
  return {
    async json<T>(request: KubeRequest): Promise<T> {
      check(request);
      return api.json<T>(request);
    },
    async request(request) {
      check(request);
      return api.request(request);
    },
  };
}

/** The failure of a call as a retryable LshError; an LshError stays as it is. */
export function asRetryable(error: unknown): LshError {
  if (error instanceof LshError) return error;
  return new LshError(
    'CLUSTER_REFUSED',
    { detail: describeError(error) },
    { cause: error, retryAfterMs: retryAfterMs(error) },
  );
}
