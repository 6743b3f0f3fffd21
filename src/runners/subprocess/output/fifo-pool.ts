// Private directories with a FIFO in each, made in batches: Node cannot make a FIFO, and one `mkfifo` process
// per run would cost as much as the run.
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

/** A directory ready to become the start directory of a run. */
export interface SpareDirectory {
  path: string;
  /** Unique for ever; part of the start directory's name. */
  token: string;
}

/** Makes FIFOs with mode 0600; `path` is where the `mkfifo` program is looked for. */
export async function makeFifos(fifos: readonly string[], path: string): Promise<void> {
  await execute('mkfifo', ['-m', '600', ...fifos], { env: { PATH: `${path}:${SYSTEM_PATH}` } });
}

export class FifoPool {
  readonly #directory: string;
  readonly #path: string;
  readonly #spare: SpareDirectory[] = [];
  #filling: Promise<void> | undefined;
  #closed = false;

  /** Goes on with what an earlier process left unused in `directory`; `path` is where `mkfifo` is looked for. */
  constructor(directory: string, path: string) {
    this.#directory = directory;
    this.#path = path;
    privateDirectory(directory);
    for (const token of readdirSync(directory)) this.#keep(token);
  }

  #keep(token: string): void {
    const path = join(this.#directory, token);
    // A crash may have come before the FIFO.
    if (existsSync(join(path, 'fifo'))) this.#spare.push({ path, token });
    else rmSync(path, { recursive: true, force: true });
  }

  /** Resolves when the next runs need not wait for a batch. */
  async ready(): Promise<void> {
    if (this.#spare.length < LOW_WATER) await this.#refill();
  }

  /** A directory nobody else has; waits for a batch only when none is left. */
  async take(): Promise<SpareDirectory> {
    for (;;) {
      const spare = this.#spare.pop();
      if (this.#spare.length >= LOW_WATER) return spare!;
      const filling = this.#refill();
      if (!spare) await filling;
      else {
        // A failure here meets the next take() that has to wait.
        filling.catch(() => undefined);
        return spare;
      }
    }
  }

  /**
   * Takes back a directory whose FIFO no process has open any more. Using it again is much cheaper than removing
   * it and making another; its new token keeps a claim for the old start from ever succeeding.
   */
  give(directory: string): void {
    if (this.#closed || this.#spare.length >= 2 * BATCH) return removeStartDirectory(directory);
    for (const entry of readdirSync(directory)) if (entry !== 'fifo') unlinkSync(join(directory, entry));
    const token = randomUUID();
    const path = join(this.#directory, token);
    renameSync(directory, path);
    this.#spare.push({ path, token });
  }

  /** One batch at a time. */
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

  /** Waits for the batch being made; what is spare stays for the next process. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#filling?.catch(() => undefined);
  }
}
