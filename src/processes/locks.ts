// What only one process may use at a time is locked for as long as that process lives.
import type { LshError } from '../core/errors.ts';
import { ensurePrivateFile } from '../local/paths.ts';
import { acquireFileLock, type FileLock } from '../stores/file-lock.ts';

/** Takes them all, or throws what `refusal` makes of the path that another holds. */
export function acquireLocks(paths: readonly string[], refusal: (path: string) => LshError): FileLock[] {
  const held: FileLock[] = [];
  for (const path of paths) {
    ensurePrivateFile(path);
    const lock = acquireFileLock(path);
    if (lock === undefined) {
      for (const other of held) other.release();
      throw refusal(path);
    }
    held.push(lock);
  }
  return held;
}
