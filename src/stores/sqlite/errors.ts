// What SQLite and the file system say about the database file, in the words of our error table.
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { LshError, type ErrorCode } from '../../core/errors.ts';

// Result codes of SQLite (its low byte) and error names of the file system.
const CODES: Record<string | number, ErrorCode> = {
  5: 'STORE_LOCKED', // BUSY
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
const CANNOT_OPEN = 14;

/** The thrown value as the LshError that names the file and what to do about it. */
export function storeError(thrown: unknown, path: string): LshError {
  if (thrown instanceof LshError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new LshError(errorCode(thrown, path), { path, directory: dirname(path), detail }, { cause: thrown });
}

function errorCode(thrown: unknown, path: string): ErrorCode {
  const { code = '', errcode } = thrown as { code?: string; errcode?: number };
  if (errcode === undefined) return CODES[code] ?? 'STORE_UNUSABLE';
  if (errcode % 256 === CANNOT_OPEN && !isWritable(path)) return 'STORE_READ_ONLY';
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
