// The file of the channels: private, because its texts may be secrets. In a cluster it is a mounted Secret.
import { statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Config } from '../../config.ts';
import { LshError } from '../../core/errors.ts';
import { parseChannels, type Channel, type Channels } from '../../notices/channel.ts';
import { ensurePrivateDirectory, readText, replaceFile } from '../../secrets/local/private-file.ts';

/** Throws HOME_MISSING. */
export function channelsPath({ channelsFile, xdgConfigHome, home }: Config): string {
  if (channelsFile !== undefined) return channelsFile;
  if (xdgConfigHome !== undefined) return join(xdgConfigHome, 'lsh', 'channels.json');
  if (home === undefined || !isAbsolute(home)) throw new LshError('HOME_MISSING');
  return join(home, '.config', 'lsh', 'channels.json');
}

/** The channels; none without a file. Throws CHANNELS_INVALID, CHANNELS_FILE_OPEN. */
export function readChannels(config: Config): Channels {
  const path = channelsPath(config);
  const text = readText(path);
  if (text === undefined) return new Map();
  const mode = statSync(path).mode & 0o777;
  // Kubernetes gives a mounted Secret the mode and the group that the Pod names.
  if (config.channelsFile === undefined && (mode & 0o077) !== 0)
    throw new LshError('CHANNELS_FILE_OPEN', { path, mode: mode.toString(8) });
  return parseChannels(text, path);
}

/** Throws FILE_UNWRITABLE or DISK_FULL, and leaves the old file. */
export function writeChannels(config: Config, channels: ReadonlyMap<string, Channel>): string {
  const path = channelsPath(config);
  ensurePrivateDirectory(dirname(path));
  replaceFile(path, `${JSON.stringify(Object.fromEntries(channels), undefined, 2)}\n`);
  return path;
}
