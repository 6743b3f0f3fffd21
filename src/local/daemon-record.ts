// The record of the running daemon in its state directory. A client with another XDG_RUNTIME_DIR (after su, in cron)
// finds the socket there. It survives a kill, so a reader must check that the daemon answers.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { removeFile, type LocalPaths } from './paths.ts';

export interface DaemonRecord {
  pid: number;
  socket: string;
}

/** Writes the record of this process. Throws the error of the file system. */
export function writeRecord({ record, socket }: LocalPaths): void {
  const entry: DaemonRecord = { pid: process.pid, socket };
  const next = `${record}.new`;
  removeFile(next);
  writeFileSync(next, `${JSON.stringify(entry)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(next, record);
}

/** Returns undefined if there is no record, or none that this version understands. */
export function readRecord({ record }: Pick<LocalPaths, 'record'>): DaemonRecord | undefined {
  try {
    const { pid, socket } = JSON.parse(readFileSync(record, 'utf8')) as Partial<DaemonRecord>;
    return typeof pid === 'number' && typeof socket === 'string' ? { pid, socket } : undefined;
  } catch {
    return undefined;
  }
}

export function removeRecord({ record }: Pick<LocalPaths, 'record'>): void {
  removeFile(record);
}
