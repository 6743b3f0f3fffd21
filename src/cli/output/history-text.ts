// The state of a daemon's team history in one line.
import type { DaemonStatus } from '../../local/socket/protocol.ts';
import { counted } from './text.ts';

export function historyText({ url, backlog, trouble }: NonNullable<DaemonStatus['history']>): string {
  const waiting = backlog === 0 ? 'up to date' : `${counted(backlog, 'change')} to be written`;
  return `${url}, ${waiting}${trouble === undefined ? '' : `: ${trouble.message}`}`;
}
