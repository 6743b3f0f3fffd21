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
    const { cause, name, message } = error as Error & { cause?: { code?: string } };
    const why = name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? message);
    const shown = URL.canParse(url) ? why : 'its url is no URL';
    throw new DeliveryError(`the receiver cannot be reached: ${shown}`, { retryable: true }, error);
  }
}
