// Sends one message by a channel. Each kind is loaded when a message needs it.
import type { Channel, ChannelKind, ChannelOf } from './channel.ts';
import type { NoticeMessage } from './message.ts';

interface SendContext {
  signal: AbortSignal;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Resolves once the receiver has the message. Rejects with a DeliveryError. */
export type Send<C> = (channel: C, message: NoticeMessage, context: SendContext) => Promise<void>;

const LOADERS: { [K in ChannelKind]: () => Promise<Send<ChannelOf<K>>> } = {
  webhook: async () => (await import('./kinds/webhook.ts')).sendWebhook,
  slack: async () => (await import('./kinds/slack.ts')).sendSlack,
  email: async () => (await import('./kinds/email.ts')).sendEmail,
  ping: async () => (await import('./kinds/ping.ts')).sendPing,
};

export async function send(channel: Channel, message: NoticeMessage, context: SendContext): Promise<void> {
  const sendThis = (await LOADERS[channel.kind]()) as Send<Channel>;
  await sendThis(channel, message, context);
}
