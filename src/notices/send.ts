// Sends one message by a channel. Each kind is loaded when a message needs it.
import type { Run } from '../core/run.ts';
import type { Channel, ChannelKind, ChannelOf } from './channel.ts';
import type { NoticeMessage } from './message.ts';

/** A command that tells of one message. */
export interface ChannelCommand {
  command: string;
  timeoutSeconds: number;
  /** The idempotency key of the message: while its run is active, a second one waits for that run. */
  id: string;
  env: Readonly<Record<string, string>>;
}

/** Runs the command as a run of its own. Resolves with the finished run; undefined if the run was taken away. */
export type RunCommand = (command: ChannelCommand) => Promise<Run | undefined>;

interface SendContext {
  signal: AbortSignal;
  /** Milliseconds since the epoch. */
  now: number;
  /** Undefined where no daemon runs commands. */
  runCommand?: RunCommand | undefined;
}

/** Resolves once the receiver has the message. Rejects with a DeliveryError. */
export type Send<C> = (channel: C, message: NoticeMessage, context: SendContext) => Promise<void>;

const LOADERS: { [K in ChannelKind]: () => Promise<Send<ChannelOf<K>>> } = {
  webhook: async () => (await import('./kinds/webhook.ts')).sendWebhook,
  slack: async () => (await import('./kinds/slack.ts')).sendSlack,
  email: async () => (await import('./kinds/email.ts')).sendEmail,
  ping: async () => (await import('./kinds/ping.ts')).sendPing,
  command: async () => (await import('./kinds/command.ts')).sendCommand,
};

export async function send(channel: Channel, message: NoticeMessage, context: SendContext): Promise<void> {
  const sendThis = (await LOADERS[channel.kind]()) as Send<Channel>;
  await sendThis(channel, message, context);
}
