// Whether a socket can be another user's. A program that answers in the daemon's place learns the environment of new jobs
// and can lie about their runs, so a client looks before it connects.
import { lstatSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

export interface Trust {
  /** The user who must own the socket and its directory. */
  uid: number;
  /** Groups whose members may own them instead, as the runner and the operator share one. */
  groups?: readonly number[];
}

/** Returns why the socket may be another user's; undefined for one to trust, and where there is none to connect to. */
export function socketFault(path: string, trust: Trust): string | undefined {
  const socket = statOf(path);
  const directory = socket === 'missing' ? 'missing' : statOf(dirname(path));
  if (socket === 'missing' || typeof directory === 'string') return undefined;
  const fault = faultOf(directory, trust);
  if (fault !== undefined) return `its directory ${fault}`;
  if (socket === 'hidden') return undefined;
  if (socket.uid !== directory.uid)
    return `it belongs to user ${socket.uid}, its directory to user ${directory.uid}`;
  const own = faultOf(socket, trust);
  return own === undefined ? undefined : `it ${own}`;
}

/** Whether there is no socket. False where this user cannot know. */
export function isMissing(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** Does not follow a link, which would name a place without a check of its own. */
function faultOf(found: Stats, { uid, groups = [] }: Trust): string | undefined {
  if (found.isSymbolicLink()) return 'is a symbolic link';
  const isShared = groups.includes(found.gid);
  if (found.uid !== uid && !isShared) return `belongs to user ${found.uid}, not to user ${uid}`;
  const writable = found.mode & (isShared ? 0o002 : 0o022);
  if (writable === 0) return undefined;
  return `is open to other users (mode ${(found.mode & 0o777).toString(8).padStart(4, '0')})`;
}

/** `hidden` in a directory that this user may not enter. */
function statOf(path: string): Stats | 'missing' | 'hidden' {
  try {
    return lstatSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'hidden' : 'missing';
  }
}
