// Turns errors of SQLite and the file system into errors of the error table.
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { LshError, type ErrorCode } from '../../core/errors.ts';

/** SQLite's result code for a file that another process has locked. */
export const SQLITE_BUSY = 5;
const SQLITE_CANTOPEN = 14;

// Result codes of SQLite (their low byte) and error codes of the file system.
const CODES: Record<string | number, ErrorCode> = {
  [SQLITE_BUSY]: 'STORE_LOCKED',
  6: 'STORE_LOCKED', // LOCKED
  8: 'STORE_READ_ONLY', // READONLY
  11: 'STORE_CORRUPT', // CORRUPT
  13: 'STORE_FULL', // FULL
  26: 'STORE_CORRUPT', // NOTADB
  4874: 'STORE_FULL', // IOERR_SHMSIZE: no room for the shared memory file
  EACCES: 'STORE_READ_ONLY',
  EPERM: 'STORE_READ_ONLY',
  EROFS: 'STORE_READ_ONLY',
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
};

/** Returns an LshError that names the file; an LshError stays as it is. */
export function storeError(thrown: unknown, path: string): LshError {
  if (thrown instanceof LshError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new LshError(errorCode(thrown, path), { path, directory: dirname(path), detail }, { cause: thrown });
}

function errorCode(thrown: unknown, path: string): ErrorCode {
  const { code = '', errcode } = thrown as { code?: string; errcode?: number };
  if (errcode === undefined) return CODES[code] ?? 'STORE_UNUSABLE';
  if (errcode % 256 === SQLITE_CANTOPEN && !isWritable(path)) return 'STORE_READ_ONLY';
  return CODES[errcode] ?? CODES[errcode % 256] ?? 'STORE_UNUSABLE';
}

function isWritable(path: string): boolean {
  try {
    for (const each of [path, dirname(path)]) accessSync(each, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
