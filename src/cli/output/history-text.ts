// What a daemon’s outbox says of the team’s history, in one line.
import { formatDuration } from '../../core/duration.ts';
import type { DaemonStatus } from '../../local/socket/protocol.ts';
import { counted } from './text.ts';

type History = NonNullable<DaemonStatus['history']>;

/** With the project, for `lsh daemon status` and `lsh doctor`. */
export function historyText(history: History, now: number): string {
  return `${history.url}, ${backlogText(history, now)}`;
}

/** How much waits, since when, and why. */
export function backlogText({ backlog, oldestAt, trouble }: History, now: number): string {
  const age = oldestAt === undefined ? 0 : Math.max(0, now - Date.parse(oldestAt));
  const oldest = oldestAt === undefined ? '' : `, the oldest for ${formatDuration(age)}`;
  if (backlog === 0) return trouble === undefined ? 'up to date' : `nothing waits: ${trouble.message}`;
  const waiting = `${counted(backlog, 'change')} to be written${oldest}`;
  return trouble === undefined ? waiting : `${waiting}: ${trouble.message}`;
}
