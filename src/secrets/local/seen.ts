// What this machine has seen of an environment: its newest version, which a store cannot take back unnoticed, and which
// version each file was last in step with.
import { dirname } from 'node:path';
import * as v from 'valibot';
import { ensurePrivateDirectory, readText, replaceFile } from './private-file.ts';

const SeenSchema = v.object({
  newest: v.optional(v.object({ version: v.number(), hash: v.string() })),
  files: v.record(v.string(), v.array(v.string())),
});
export interface Seen {
  newest?: { version: number; hash: string } | undefined;
  /** Absolute path of a file -> hashes of the heads that it was pushed to or pulled from. */
  files: Record<string, string[]>;
}

export class SeenFile {
  readonly #path: string;
  readonly #lock: () => { release(): void };

  /** `path` is absolute; `lock` keeps other processes of this user from changing the file. */
  constructor(path: string, lock: () => { release(): void }) {
    this.#path = path;
    this.#lock = lock;
  }

  read(): Seen {
    const { success, output } = v.safeParse(
      v.pipe(v.string(), v.parseJson(), SeenSchema),
      readText(this.#path),
    );
    return success ? output : { files: {} };
  }

  /** Remembers the version, unless it has seen a newer one, and that the file is in step with the heads. */
  remember(
    seen: { version: number; hash: string } | undefined,
    file?: { path: string; heads: string[] },
  ): void {
    ensurePrivateDirectory(dirname(this.#path));
    const lock = this.#lock();
    try {
      const { newest, files } = this.read();
      const next = seen !== undefined && seen.version >= (newest?.version ?? 0) ? seen : newest;
      this.#write({ newest: next, files: file ? { ...files, [file.path]: file.heads } : files });
    } finally {
      lock.release();
    }
  }

  /** Forgets the newest version: the next one that the store names is believed. */
  forget(): void {
    this.#write({ files: this.read().files });
  }

  #write(seen: Seen): void {
    ensurePrivateDirectory(dirname(this.#path));
    replaceFile(this.#path, `${JSON.stringify(seen, null, 2)}\n`);
  }
}
