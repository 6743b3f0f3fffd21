// A webhook: a CloudEvent 1.0 in structured JSON, signed after Standard Webhooks. The id of the event is the idempotency key.
import { createHmac } from 'node:crypto';
import { WEBHOOK_SECRET, isWebhookSecret, webhookKey, type ChannelOf } from '../channel.ts';
import { DeliveryError } from '../delivery-error.ts';
import type { Send } from '../send.ts';
import { post } from './post.ts';

export const sendWebhook: Send<ChannelOf<'webhook'>> = async ({ url, secret }, message, { signal, now }) => {
  // What a reference names is known only now, and its owner may mend it.
  if (secret !== undefined && !isWebhookSecret(secret))
    throw new DeliveryError(`its secret is not ${WEBHOOK_SECRET}`, { retryable: true });
  const { id, at, kind, source, subject, data } = message;
  const body = JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type: kind === 'Test' ? 'dev.lsh.channel.test' : `dev.lsh.job.${kind.toLowerCase()}`,
    subject,
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    data,
  });
  const timestamp = String(Math.floor(now / 1000));
  const headers = {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...(secret !== undefined && { 'webhook-signature': signature(secret, `${id}.${timestamp}.${body}`) }),
  };
  await post({ url, headers, body, signal });
};

/** `v1,` and the HMAC-SHA256 in Base64. */
export function signature(secret: string, content: string): string {
  const key = webhookKey(secret);
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}
