// A webhook: a CloudEvent 1.0 in structured JSON, signed after Standard Webhooks. The id of the event is the idempotency key.
import { createHmac } from 'node:crypto';
import type { ChannelOf } from '../channel.ts';
import type { Send } from '../send.ts';
import { post } from './post.ts';

const PREFIX = 'whsec_';

export const sendWebhook: Send<ChannelOf<'webhook'>> = async ({ url, secret }, message, { signal, now }) => {
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

/** `v1,` and the HMAC-SHA256 in Base64. The secret is Base64 behind `whsec_`; another text is taken as it is. */
export function signature(secret: string, content: string): string {
  const key = secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), 'base64')
    : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}
