// Private directories with a FIFO in each, made in batches: Node cannot make a FIFO, and one `mkfifo` process per run
// would cost as much as the run. The directory, its FIFO and its status file serve one start after another.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { privateDirectory, removeStartDirectory } from '../run-files.ts';

const execute = promisify(execFile);
const BATCH = 64;
const LOW_WATER = BATCH / 2;
const SYSTEM_PATH = '/usr/bin:/bin';
/** The files that serve the next start in the same directory. */
const REUSED: ReadonlySet<string> = new Set(['fifo', 'status']);

/** A directory that can become the start directory of a run. */
export interface SpareDirectory {
  path: string;
  /** Never reused; part of the start directory's name. */
  token: string;
}

/** Makes FIFOs with mode 0600; `path` is the PATH for the `mkfifo` program. */
export async function makeFifos(fifos: readonly string[], path: string): Promise<void> {
  await execute('mkfifo', ['-m', '600', ...fifos], { env: { PATH: `${path}:${SYSTEM_PATH}` } });
}

export interface FifoPoolOptions {
  directory: string;
  path: string;
  concurrentRuns: number;
}

export class FifoPool {
  readonly #directory: string;
  readonly #path: string;
  readonly #keptMax: number;
  readonly #spare: SpareDirectory[] = [];
  #filling: Promise<void> | undefined;
  #closed = false;

  /**
   * Starts with the directories that an earlier runner left unused. `path` is the PATH for `mkfifo`; `concurrentRuns` is
   * how many directories a burst takes and returns: the pool keeps them all, and makes none anew for the next burst.
   */
  constructor({ directory, path, concurrentRuns }: FifoPoolOptions) {
    this.#directory = directory;
    this.#path = path;
    this.#keptMax = concurrentRuns + 2 * BATCH;
    privateDirectory(directory);
    for (const token of readdirSync(directory)) this.#keep(token);
  }

  #keep(token: string): void {
    const path = join(this.#directory, token);
    // A crash may have left a directory without its FIFO.
    if (existsSync(join(path, 'fifo'))) this.#spare.push({ path, token });
    else rmSync(path, { recursive: true, force: true });
  }

  /** Resolves when the pool is filled. */
  async ready(): Promise<void> {
    if (this.#spare.length < LOW_WATER) await this.#refill();
  }

  /** Takes a directory out of the pool; waits for a batch only when the pool is empty. */
  async take(): Promise<SpareDirectory> {
    for (;;) {
      const spare = this.#spare.pop();
      if (this.#spare.length >= LOW_WATER) return spare!;
      const filling = this.#refill();
      if (!spare) await filling;
      else {
        // The next take() that has to wait reports the failure.
        filling.catch(() => undefined);
        return spare;
      }
    }
  }

  /**
   * Returns a directory to the pool; no process may have its FIFO open. Reuse is much cheaper than removal, the new
   * token keeps a delayed start from claiming in it, and the status file keeps its place on the disk.
   */
  give(directory: string): void {
    // A sealed one may have a delayed start, which would claim in the status file of the next.
    if (this.#closed || this.#spare.length >= this.#keptMax || existsSync(join(directory, 'sealed')))
      return removeStartDirectory(directory);
    for (const entry of readdirSync(directory)) if (!REUSED.has(entry)) unlinkSync(join(directory, entry));
    const token = randomUUID();
    const path = join(this.#directory, token);
    renameSync(directory, path);
    this.#spare.push({ path, token });
  }

  /** Concurrent calls share one batch. */
  #refill(): Promise<void> {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #fill(): Promise<void> {
    const batch = Array.from({ length: BATCH }, () => join(this.#directory, randomUUID()));
    const fifos = batch.map((path) => join(path, 'fifo'));
    try {
      for (const path of batch) mkdirSync(path, { mode: 0o700 });
      await makeFifos(fifos, this.#path);
    } catch (error) {
      for (const path of batch) removeStartDirectory(path);
      throw error;
    }
    this.#spare.push(...batch.map((path) => ({ path, token: basename(path) })));
  }

  /** Waits for the current batch; spare directories stay for the next runner. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#filling?.catch(() => undefined);
  }
}
