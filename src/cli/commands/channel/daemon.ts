// What the daemon knows of the channels. Without a daemon there is nothing to know.
import type { ChannelStanding } from '../../../contracts/notices.ts';
import { LshError } from '../../../core/errors.ts';
import type { Context } from '../../context.ts';
import { localApi } from '../../local-api.ts';

/** How each channel stands; undefined without a daemon. `retry`: its dead letters wait again. */
export async function askDaemon(
  { io }: Context,
  request: { retry?: string } = {},
): Promise<readonly ChannelStanding[] | undefined> {
  try {
    return (await localApi(io).notices(request)).channels;
  } catch (error) {
    if (error instanceof LshError && error.code === 'DAEMON_NOT_RUNNING') return undefined;
    throw error;
  }
}
