// The channels of LSH_NOTIFY that do not exist: jobs without rules of their own would fail unheard.
import type { Config } from '../../config.ts';
import type { Logger } from '../../control/ports.ts';

/** Throws what readChannels() throws. */
export async function unknownHomeChannels(config: Config): Promise<string[]> {
  const { notify } = config;
  if (notify === undefined) return [];
  // Loads the schema of channels, which a home without LSH_NOTIFY need not have.
  const { unknownChannels } = await import('./unknown-channels.ts');
  return unknownChannels(config, { notify: [{ channels: [...notify] }] });
}

/** For the start of a home; never rejects. */
export async function warnOfUnknownHomeChannels(config: Config, logger: Logger): Promise<void> {
  try {
    const channels = await unknownHomeChannels(config);
    if (channels.length > 0) logger.warn({ channels }, 'LSH_NOTIFY names channels that do not exist');
  } catch (err) {
    logger.warn({ err }, 'the channels of LSH_NOTIFY were not checked');
  }
}
