// The session of a member in one project: a file that its user alone may read, and a lock for those who change it.
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LshError } from '../../../core/errors.ts';
import { acquireFileLock } from '../../file-lock.ts';

export interface Session {
  /** URL of the project. */
  url: string;
  /** The claim `sub` of the token. */
  userId: string;
  email?: string | undefined;
  /** Team that the member chose at the sign-in. */
  team?: string | undefined;
  accessToken: string;
  /** End of the access token, milliseconds since the epoch. */
  expiresAt: number;
  /** Gives the next access token, once; absent if the member pasted an access token. */
  refreshToken?: string | undefined;
}

/** Longer than a refresh takes, milliseconds. */
const LOCK_TIMEOUT_MS = 30_000;
const LOCK_RETRY_MS = 50;

export class SessionFile {
  readonly path: string;

  /** In the directory of lsh among the user’s configuration; each project has a file. */
  constructor(directory: string, url: string) {
    const host = URL.parse(url)?.host ?? 'unknown';
    this.path = join(directory, `session-${host.replaceAll(/[^a-z0-9.-]/g, '_')}.json`);
  }

  /** Undefined if the member is not signed in. Throws SUPABASE_SESSION_UNSAFE if other users may read the file. */
  read(): Session | undefined {
    const text = this.#text();
    return text === undefined ? undefined : this.#parse(text);
  }

  /** Replaces the session. Call it with the lock. */
  write(session: Session): void {
    const next = `${this.path}.new`;
    rmSync(next, { force: true });
    writeFileSync(next, `${JSON.stringify(session)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(next, this.path);
  }

  /** Call it with the lock. */
  remove(): void {
    rmSync(this.path, { force: true });
  }

  /**
   * Does the work while no other process changes the session: a refresh token works once, so two refreshes at the same time
   * would end the session. Throws SUPABASE_SESSION_BUSY.
   */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    const lock = await this.#lock();
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  async #lock(): Promise<{ release(): void }> {
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const path = `${this.path}.lock`;
    closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
    const deadline = performance.now() + LOCK_TIMEOUT_MS;
    for (;;) {
      const lock = acquireFileLock(path);
      if (lock !== undefined) return lock;
      if (performance.now() > deadline) throw new LshError('SUPABASE_SESSION_BUSY', { path });
      await delay(LOCK_RETRY_MS);
    }
  }

  #text(): string | undefined {
    let file: number;
    try {
      file = openSync(this.path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw this.#unsafe((error as Error).message);
    }
    try {
      const { mode, uid } = fstatSync(file);
      if (uid !== process.getuid?.()) throw this.#unsafe(`it belongs to user ${uid}`);
      if ((mode & 0o077) !== 0) throw this.#unsafe('other users may read it');
      return readFileSync(file, 'utf8');
    } finally {
      closeSync(file);
    }
  }

  #parse(text: string): Session {
    try {
      const session = JSON.parse(text) as Partial<Session>;
      const { url, userId, accessToken, expiresAt } = session;
      const isWhole = [url, userId, accessToken].every((part) => typeof part === 'string');
      if (isWhole && typeof expiresAt === 'number') return session as Session;
    } catch {
      // Below.
    }
    throw this.#unsafe('it does not hold a session');
  }

  #unsafe(detail: string): LshError {
    return new LshError('SUPABASE_SESSION_UNSAFE', { path: this.path, detail });
  }
}
