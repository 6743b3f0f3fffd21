// One POST of a notice. A redirect is no success: it would carry the notice to a place that its owner did not name.
import { DeliveryError, httpFault } from '../delivery-error.ts';

export interface Post {
  url: string;
  headers: Record<string, string>;
  body: string;
  signal: AbortSignal;
}

/** Resolves once the receiver has answered with a status of 2xx. Rejects with a DeliveryError, which shows no URL. */
export async function post({ url, headers, body, signal }: Post): Promise<void> {
  const response = await answerOf(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
  await response.body?.cancel().catch(() => undefined);
  if (response.ok) return;
  const { status, headers: answered } = response;
  const fault = httpFault(status, answered.get('retry-after'), Date.now());
  throw new DeliveryError(`the receiver answered with status ${status}`, fault);
}

async function answerOf(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    // A mistyped URL throws the same class as a network that is down; it stands in the file until its owner mends it.
    throw new DeliveryError(
      `the receiver cannot be reached: ${causeOf(error as Error, url)}`,
      { retryable: true },
      error,
    );
  }
}

/** What fetch() throws says "fetch failed", or shows the URL; its cause says why: a code such as ECONNREFUSED, or "bad port". */
function causeOf(error: Error, url: string): string {
  if (error.name === 'TimeoutError') return 'no answer in time';
  if (!URL.canParse(url)) return 'its url is no URL';
  const { username, password } = new URL(url);
  if (username !== '' || password !== '')
    return 'its url has a user or a password, which fetch does not send';
  const { code, message } = (error.cause ?? {}) as { code?: string; message?: string };
  return code ?? message ?? 'fetch failed';
}
