// What the adapters ask of the API server, what went wrong in the loop's words, and the fence before a write.
import { LshError } from '../../core/errors.ts';
import { describeError, retryAfterMs } from './api-errors.ts';
import type { KubeClient, KubeRequest } from './client.ts';

/** The calls of a client; tests and the fence stand in between. */
export type KubeApi = Pick<KubeClient, 'json' | 'request'>;

/** Lets no write pass that is sent after the right to write has ended; reads always pass. */
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

/** Whatever a call failed with as an error that is tried again. */
export function asRetryable(error: unknown): LshError {
  if (error instanceof LshError) return error;
  return new LshError(
    'CLUSTER_REFUSED',
    { detail: describeError(error) },
    { cause: error, retryAfterMs: retryAfterMs(error) },
  );
}
