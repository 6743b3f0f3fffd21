// The logs of all runs together: how much they take, and which of them go when that is too much.
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface KeptLog {
  run: string;
  bytes: number;
  writtenAt: number;
}

/** The logs in the directory, oldest first; none if a user has removed it. */
export async function keptLogs(directory: string): Promise<KeptLog[]> {
  if (!existsSync(directory)) return [];
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log'));
  const logs: KeptLog[] = [];
  for (const name of names) {
    // A log may be deleted between the two calls.
    const file = await stat(join(directory, name)).catch(() => undefined);
    if (file) logs.push({ run: name.slice(0, -'.log'.length), bytes: file.size, writtenAt: file.mtimeMs });
  }
  return logs.sort((a, b) => a.writtenAt - b.writtenAt);
}

export function totalBytes(logs: readonly KeptLog[]): number {
  return logs.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The oldest logs whose deletion brings the total to at most `maxBytes`; none for which `isUsed` holds. */
export function logsBeyond(
  logs: readonly KeptLog[],
  maxBytes: number,
  isUsed: (run: string) => boolean,
): KeptLog[] {
  let excess = totalBytes(logs) - maxBytes;
  return logs.filter(({ run, bytes }) => {
    if (excess <= 0 || isUsed(run)) return false;
    excess -= bytes;
    return true;
  });
}
