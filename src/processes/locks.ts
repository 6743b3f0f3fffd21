// Locks what only one process may use, for the life of the process.
import type { LshError } from '../core/errors.ts';
import { ensurePrivateFile } from '../local/paths.ts';
import { acquireFileLock, type FileLock } from '../stores/file-lock.ts';

/** Locks every path. If another process holds one, releases the others and throws the error that `refusal` returns. */
export function acquireLocks(paths: readonly string[], refusal: (path: string) => LshError): FileLock[] {
  const locks: FileLock[] = [];
  for (const path of paths) {
    ensurePrivateFile(path);
    const lock = acquireFileLock(path);
    if (lock === undefined) {
      for (const taken of locks) taken.release();
      throw refusal(path);
    }
    locks.push(lock);
  }
  return locks;
}
