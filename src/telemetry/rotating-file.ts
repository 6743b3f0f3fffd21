// A log file of bounded size. Writes are synchronous, so that the last line before a crash reaches the disk; a full
// file is renamed. It follows its path when another program rotates the file. Must not know the contents of the lines.
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';

export interface RotatingFileOptions {
  path: string;
  /** Size at which write() renames the file to `<path>.1`, in bytes. */
  maxBytes: number;
  /** Number of kept files, including the current one. */
  maxFiles: number;
}

/** A destination for a logger, open from its construction to close(). */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #file: number;
  #bytes: number;
  #dropped = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#file = open(options.path);
    this.#bytes = fstatSync(this.#file).size;
  }

  /** Appends whole lines. On a full disk it drops lines and keeps the program alive; later it logs their number. */
  write(lines: string): void {
    try {
      this.#followPath();
      if (this.#bytes > 0 && this.#bytes + lines.length > this.#options.maxBytes) this.#rotate();
      if (this.#dropped > 0)
        this.#append(`${JSON.stringify({ level: 'warn', droppedLines: this.#dropped })}\n`);
      this.#dropped = 0;
      this.#append(lines);
    } catch {
      // Counts lost lines until the disk has room again: a logger cannot log its own failure.
      this.#dropped += 1;
    }
  }

  /** Opens the path again. On an error, which it throws, it keeps the open file. */
  reopen(): void {
    const next = open(this.#options.path);
    closeSync(this.#file);
    this.#file = next;
    this.#bytes = fstatSync(next).size;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** After logrotate has moved the file, lines in it would be out of the user's sight. It may also have truncated it. */
  #followPath(): void {
    const found = statSync(this.#options.path, { throwIfNoEntry: false });
    const { ino, dev } = fstatSync(this.#file);
    if (found?.ino === ino && found.dev === dev) this.#bytes = found.size;
    else this.reopen();
  }

  #append(text: string): void {
    const bytes = Buffer.from(text);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#file, bytes, written);
    } catch (error) {
      // Half a line would spoil the next one.
      if (written > 0) ftruncateSync(this.#file, this.#bytes);
      throw error;
    }
    this.#bytes += bytes.length;
  }

  #rotate(): void {
    const { path, maxFiles } = this.#options;
    const names = [path, ...Array.from({ length: maxFiles - 1 }, (_, index) => `${path}.${index + 1}`)];
    for (let index = names.length - 2; index >= 0; index -= 1) move(names[index], names[index + 1]);
    this.reopen();
  }
}

function open(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  return openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
}

function move(from: string | undefined, to: string | undefined): void {
  if (from === undefined || to === undefined) return;
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
