// What `lsh channel` does: the channels of this user, and a test of one.
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { loadConfig, type Config } from '../../config.ts';
import { requireSafeCommand } from '../../core/command-check/command-check.ts';
import { policyFor } from '../../core/command-check/policy.ts';
import { LshError } from '../../core/errors.ts';
import { LOCAL_NAMESPACE } from '../../core/naming.ts';
import {
  channelJob,
  channelProblem,
  type Channel,
  type ChannelOf,
  type Channels,
} from '../../notices/channel.ts';
import { testMessage } from '../../notices/message.ts';
import { send } from '../../notices/send.ts';
import { commandSettings } from '../command-settings.ts';
import { resolvedChannel } from './channel-values.ts';
import { channelsPath, readChannels, writeChannels } from './channels-file.ts';

/** How long the receiver of a test may take, milliseconds. */
const TEST_MS = 15_000;

export function ownChannels(): Channels {
  return readChannels(loadConfig());
}

interface PutChannel {
  result: 'created' | 'configured' | 'unchanged';
  /** The file of the channels. */
  path: string;
  warnings: string[];
}

/** Adds the channel, or replaces the one of that name. Throws CHANNELS_INVALID, COMMAND_REFUSED. */
export function putChannel(name: string, given: object): PutChannel {
  const detail = channelProblem(name, given);
  if (detail !== undefined) throw new LshError('CHANNELS_INVALID', { path: 'the options', detail });
  const channel = given as Channel;
  const config = loadConfig();
  const warnings = channel.kind === 'command' ? admitted(channelJob(name), channel, config) : [];
  const channels = readChannels(config);
  const before = channels.get(name);
  if (isDeepStrictEqual(before, channel))
    return { result: 'unchanged', path: channelsPath(config), warnings };
  const path = writeChannels(config, new Map([...channels, [name, channel]]));
  if (secretOf(before) !== undefined && secretOf(channel) === undefined)
    warnings.push('its secret is gone: messages are no longer signed');
  return { result: before === undefined ? 'created' : 'configured', path, warnings };
}

function secretOf(channel: Channel | undefined): string | undefined {
  return channel?.kind === 'webhook' ? channel.secret : undefined;
}

/** As the daemon does before each run. Returns warnings. Throws COMMAND_REFUSED. */
function admitted(name: string, { command }: ChannelOf<'command'>, config: Config): string[] {
  return requireSafeCommand(
    { command },
    policyFor({ namespace: LOCAL_NAMESPACE, name }, commandSettings(config)),
  );
}

/** Throws CHANNEL_NOT_FOUND. */
export function removeChannel(name: string): void {
  const config = loadConfig();
  const channels = new Map(readChannels(config));
  if (!channels.delete(name)) throw unknownChannel(name);
  writeChannels(config, channels);
}

/**
 * Sends a test by this process, without the daemon; a command runs as a run of the daemon, which `byDaemon` asks. Throws
 * CHANNEL_NOT_FOUND, CHANNEL_FAILED.
 */
export async function testChannel(
  name: string,
  now: number,
  byDaemon: () => Promise<unknown>,
): Promise<void> {
  const channel = ownChannels().get(name);
  if (channel === undefined) throw unknownChannel(name);
  if (channel.kind === 'command') return void (await byDaemon());
  const resolved = await resolvedChannel(name, channel);
  const message = testMessage(name, { platform: 'local', name: hostname() }, now);
  try {
    await send(resolved, message, { signal: AbortSignal.timeout(TEST_MS), now });
  } catch (error) {
    throw new LshError(
      'CHANNEL_FAILED',
      { channel: name, detail: (error as Error).message },
      { cause: error },
    );
  }
}

function unknownChannel(name: string): LshError {
  return new LshError('CHANNEL_NOT_FOUND', { name, path: channelsPath(loadConfig()) });
}

/** Where the channel goes, without what is secret: the path of a URL is, and a command may be. */
export function targetOf(name: string, channel: Channel): string {
  if (channel.kind === 'email') return channel.to.join(', ');
  if (channel.kind === 'command') return `runs of ${channelJob(name)}`;
  if (channel.url.startsWith('${')) return channel.url;
  return URL.canParse(channel.url) ? new URL(channel.url).host : 'no URL';
}
