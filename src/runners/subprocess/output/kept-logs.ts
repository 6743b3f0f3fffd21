// The logs of all runs together: how much they take, and which of them go when that is too much.
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { keptBytes, type KeptOutput } from '../../../core/record/output-chunks.ts';
import { readdir, stat } from '../files.ts';
import { logPath, type RunFiles } from '../run-files.ts';

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

/** The logs on disk. The log of an observed run may still be written; it goes with the release of its run. */
export class KeptLogs {
  readonly #files: RunFiles;
  readonly #isObserved: (run: string) => boolean;
  /** Observed runs whose release also removes their logs. */
  readonly #toRemove = new Set<string>();

  constructor(files: RunFiles, isObserved: (run: string) => boolean) {
    this.#files = files;
    this.#isObserved = isObserved;
  }

  /** Yields nothing for a run without a log. */
  async *read(run: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const path = logPath(this.#files, run);
    if (existsSync(path)) yield* createReadStream(path, { signal });
  }

  /** The beginning and the end of the log of a finished run; undefined without a readable log. */
  ends(run: string, maxBytes: number): KeptOutput | undefined {
    let file: number;
    try {
      file = openSync(logPath(this.#files, run), 'r');
    } catch {
      return undefined;
    }
    try {
      const { size } = fstatSync(file);
      const limit = size <= maxBytes ? { head: size, end: 0 } : keptBytes(maxBytes);
      return { size, head: readAt(file, 0, limit.head), end: readAt(file, size - limit.end, limit.end) };
    } finally {
      closeSync(file);
    }
  }

  /** Writes why a run could not start: users look there first. */
  writeFailure(run: string, message: string): void {
    try {
      writeFileSync(logPath(this.#files, run), `lsh: ${message}\n`, { mode: 0o600 });
    } catch {
      // On a full disk the record alone has the message.
    }
  }

  remove(run: string): void {
    if (this.#isObserved(run)) this.#toRemove.add(run);
    else rmSync(logPath(this.#files, run), { force: true });
  }

  /** The run is no longer observed. */
  released(run: string): void {
    if (this.#toRemove.delete(run)) this.remove(run);
  }

  async bytes(): Promise<number> {
    return totalBytes(await keptLogs(this.#files.logs));
  }

  /** Deletes the oldest logs beyond the size of all together. Returns how many. */
  async trim(maxBytes: number): Promise<number> {
    const beyond = logsBeyond(await keptLogs(this.#files.logs), maxBytes, this.#isObserved);
    for (const { run } of beyond) this.remove(run);
    return beyond.length;
  }

  /** Deletes the logs of all runs except the named and the observed. */
  keepOnly(names: readonly string[]): void {
    const kept = new Set(names);
    for (const entry of readdirSync(this.#files.logs)) {
      const run = entry.replace(/\.log$/, '');
      if (run !== entry && !kept.has(run) && !this.#isObserved(run)) this.remove(run);
    }
  }
}

function readAt(file: number, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, length === 0 ? 0 : readSync(file, bytes, 0, length, from));
}
