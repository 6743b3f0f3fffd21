// What `lsh channel` does: the channels of this user, and a test of one.
import { hostname } from 'node:os';
import { loadConfig } from '../../config.ts';
import { LshError } from '../../core/errors.ts';
import { channelProblem, type Channel, type Channels } from '../../notices/channel.ts';
import { testMessage } from '../../notices/message.ts';
import { send } from '../../notices/send.ts';
import { resolvedChannel } from './channel-values.ts';
import { channelsPath, readChannels, writeChannels } from './channels-file.ts';

/** How long the receiver of a test may take, milliseconds. */
const TEST_MS = 15_000;

export function ownChannels(): Channels {
  return readChannels(loadConfig());
}

/** Adds the channel, or replaces the one of that name. Returns the path of the file. Throws USAGE. */
export function putChannel(name: string, channel: object): string {
  const detail = channelProblem(name, channel);
  if (detail !== undefined) throw new LshError('CHANNELS_INVALID', { path: 'the options', detail });
  const config = loadConfig();
  return writeChannels(config, new Map([...readChannels(config), [name, channel as Channel]]));
}

/** Throws CHANNEL_NOT_FOUND. */
export function removeChannel(name: string): void {
  const config = loadConfig();
  const channels = new Map(readChannels(config));
  if (!channels.delete(name)) throw unknownChannel(name);
  writeChannels(config, channels);
}

/** Sends a test by this process, without the daemon. Throws CHANNEL_NOT_FOUND, CHANNEL_FAILED. */
export async function testChannel(name: string, now: number): Promise<void> {
  const channel = ownChannels().get(name);
  if (channel === undefined) throw unknownChannel(name);
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

/** Where the channel goes, without what is secret: the path of a URL is. */
export function targetOf(channel: Channel): string {
  if (channel.kind === 'email') return channel.to.join(', ');
  if (channel.url.startsWith('${')) return channel.url;
  return URL.canParse(channel.url) ? new URL(channel.url).host : 'no URL';
}
