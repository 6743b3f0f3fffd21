// The channels: where notices go. They stand in a file of their own, apart from jobs, because they hold secrets. A text may
// name the place of its value: ${env:NAME}, or ${secrets:ENVIRONMENT:NAME} of an lsh project. A command may not: it would
// show the value to everyone who reads the history.
import * as v from 'valibot';
import { LshError } from '../core/errors.ts';
import { NAME_MAX_LENGTH } from '../core/spec/blocks.ts';
import { COMMAND_MAX_LENGTH } from '../core/spec/job-spec.ts';
import { CHANNEL_NAME } from '../core/notices/notice.ts';

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

/** The secret of a webhook, in words: what Standard Webhooks signs with. */
export const WEBHOOK_SECRET = 'whsec_ and the Base64 of 24 to 64 bytes';

/** Whether Standard Webhooks can sign with the text. */
export function isWebhookSecret(secret: string): boolean {
  const key = webhookKey(secret);
  return /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret) && key.length >= 24 && key.length <= 64;
}

/** The bytes that the secret stands for. */
export function webhookKey(secret: string): Buffer {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

/** Or a reference, whose value is known when a message is signed. */
const webhookSecret = v.pipe(
  text,
  v.check((secret) => secret.includes('${') || isWebhookSecret(secret), `must be ${WEBHOOK_SECRET}`),
);

const common = {
  /** Directory of the project whose secrets the channel names. */
  project: v.optional(text),
};

const CHANNEL_SCHEMAS = {
  webhook: v.strictObject({
    kind: v.literal('webhook'),
    url: text,
    secret: v.optional(webhookSecret),
    ...common,
  }),
  slack: v.strictObject({ kind: v.literal('slack'), url: text, ...common }),
  email: v.strictObject({
    kind: v.literal('email'),
    /** smtp://USER:PASSWORD@HOST:PORT, or smtps://. */
    url: text,
    from: text,
    to: v.pipe(v.array(text), v.minLength(1), v.maxLength(50)),
    ...common,
  }),
  ping: v.strictObject({ kind: v.literal('ping'), url: text, ...common }),
  /** Only on a laptop. */
  command: v.strictObject({
    kind: v.literal('command'),
    /** For /bin/sh. */
    command: v.pipe(v.string(), v.minLength(1), v.maxLength(COMMAND_MAX_LENGTH)),
    /** Default: COMMAND_SECONDS. */
    timeoutSeconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(86_400))),
  }),
};

/** How long the command of a channel may take, seconds. */
export const COMMAND_SECONDS = 60;

/** Name of the job whose runs are the commands of the channel. */
export function channelJob(channel: string): string {
  return `channel-${channel}`;
}

export const CHANNEL_KINDS = Object.keys(CHANNEL_SCHEMAS) as ChannelKind[];
export type ChannelKind = keyof typeof CHANNEL_SCHEMAS;
export type ChannelOf<K extends ChannelKind> = v.InferOutput<(typeof CHANNEL_SCHEMAS)[K]>;
/** A channel as its file has it. */
export type Channel = { [K in ChannelKind]: ChannelOf<K> }[ChannelKind];

export type Channels = ReadonlyMap<string, Channel>;

/** Reads the text of the file. Throws CHANNELS_INVALID with the first fault; never shows a value. */
export function parseChannels(json: string, path: string): Channels {
  let written: unknown;
  try {
    written = JSON.parse(json);
  } catch {
    throw new LshError('CHANNELS_INVALID', { path, detail: 'it is not JSON' });
  }
  if (typeof written !== 'object' || written === null || Array.isArray(written))
    throw new LshError('CHANNELS_INVALID', { path, detail: 'it must be an object of channels by name' });
  return new Map(
    Object.entries(written).map(([name, channel]) => {
      const problem = channelProblem(name, channel);
      if (problem !== undefined) throw new LshError('CHANNELS_INVALID', { path, detail: problem });
      return [name, channel as Channel];
    }),
  );
}

/** What is wrong with a channel, as a sentence without its values; undefined if it is sound. */
export function channelProblem(name: string, channel: unknown): string | undefined {
  if (!CHANNEL_NAME.test(name) || name.length > 63)
    return `"${name.slice(0, 63)}" is no name of a channel: it must be lower-case letters, digits and dashes`;
  const { kind } = (channel ?? {}) as { kind?: unknown };
  const schema = CHANNEL_SCHEMAS[kind as ChannelKind] as (typeof CHANNEL_SCHEMAS)[ChannelKind] | undefined;
  if (schema === undefined) return `channel ${name} needs a kind: one of ${CHANNEL_KINDS.join(', ')}`;
  if (kind === 'command' && channelJob(name).length > NAME_MAX_LENGTH)
    return `channel ${name}: the name is too long; its runs belong to the job ${channelJob(name)}`;
  const { issues } = v.safeParse(schema, channel);
  if (issues === undefined) return undefined;
  const [issue] = issues;
  const field = issue.path?.map(({ key }) => String(key)).join('.') ?? '';
  return `channel ${name}: ${field} ${faultOf(issue, String(kind))}`;
}

function faultOf({ type, expected, message }: v.BaseIssue<unknown>, kind: string): string {
  if (type === 'check') return message;
  return expected === 'never' ? `is no field of kind ${kind}` : 'is missing or not valid';
}

/** Where the values of a channel's references come from. Rejects if there is no such value. */
export interface ValueSource {
  env: (name: string) => string | undefined;
  secret: (environment: string, name: string, project: string | undefined) => Promise<string | undefined>;
}

const REFERENCE = /\$\{(env|secrets):([A-Za-z0-9_-]+)(?::([A-Za-z_][A-Za-z0-9_]*))?\}/g;

/** The channel with the values in place of its references. Throws CHANNEL_VALUE_MISSING. */
export async function withValues<C extends Channel>(
  name: string,
  channel: C,
  source: ValueSource,
): Promise<C> {
  if (channel.kind === 'command') return channel;
  const { project } = channel;
  const entries = Object.entries(channel).map(async ([field, value]) => [
    field,
    typeof value === 'string' ? await valueOf(name, value, { ...source, project }) : value,
  ]);
  return Object.fromEntries(await Promise.all(entries)) as C;
}

async function valueOf(
  channel: string,
  text: string,
  { env, secret, project }: ValueSource & { project: string | undefined },
): Promise<string> {
  let result = text;
  for (const [reference, kind, first = '', second] of text.matchAll(REFERENCE)) {
    const value = kind === 'env' ? env(first) : second && (await secret(first, second, project));
    if (!value) throw new LshError('CHANNEL_VALUE_MISSING', { channel, reference });
    // A function: the value may hold what replace() would read as a pattern.
    result = result.replace(reference, () => value);
  }
  return result;
}
