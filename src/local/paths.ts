// Where the local daemon keeps its files: private directories of this user, never a shared one. Knows no
// environment: the settings come in as a plain record.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  unlinkSync,
} from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { LshError } from '../core/errors.ts';

/** The variables that decide, as they were found; a relative XDG path counts as not set, as XDG says. */
export interface PathSettings {
  /** HOME. */
  home?: string | undefined;
  /** XDG_STATE_HOME. */
  xdgStateHome?: string | undefined;
  /** XDG_RUNTIME_DIR. */
  xdgRuntimeDir?: string | undefined;
  /** LSH_STATE_DIR. */
  stateDir?: string | undefined;
  /** LSH_RUNTIME_DIR. */
  runtimeDir?: string | undefined;
}

/** Absolute paths of what the daemon itself owns on disk; the runner keeps its own beside them. */
export interface LocalPaths {
  stateDir: string;
  runtimeDir: string;
  database: string;
  log: string;
  socket: string;
  /** Held while a daemon lives: on the database, and on the socket. */
  locks: [string, string];
}

/** sockaddr_un.sun_path on Linux, its closing zero byte included; macOS has four less. */
const SOCKET_PATH_LIMIT = process.platform === 'darwin' ? 103 : 107;

/** Works out the paths and touches nothing. Throws HOME_MISSING, SOCKET_PATH_TOO_LONG. */
export function localPaths(settings: PathSettings): LocalPaths {
  const stateDir = stateDirectory(settings);
  const runtimeDir = runtimeDirectory(settings, stateDir);
  const socket = join(runtimeDir, 'lshd.sock');
  requireSocketPath(socket);
  return {
    stateDir,
    runtimeDir,
    database: join(stateDir, 'lsh.db'),
    log: join(stateDir, 'lshd.log'),
    socket,
    locks: [join(stateDir, 'lsh.db.lock'), join(runtimeDir, 'lshd.sock.lock')],
  };
}

/** Throws SOCKET_PATH_TOO_LONG for a path that no socket can have. */
export function requireSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= SOCKET_PATH_LIMIT) return;
  throw new LshError('SOCKET_PATH_TOO_LONG', { path, bytes, limit: SOCKET_PATH_LIMIT });
}

function stateDirectory({ stateDir, xdgStateHome, home }: PathSettings): string {
  if (stateDir) return resolve(stateDir);
  if (xdgStateHome && isAbsolute(xdgStateHome)) return join(xdgStateHome, 'lsh');
  if (home && isAbsolute(home)) return join(home, '.local', 'state', 'lsh');
  throw new LshError('HOME_MISSING');
}

function runtimeDirectory({ runtimeDir, xdgRuntimeDir }: PathSettings, stateDir: string): string {
  if (runtimeDir) return resolve(runtimeDir);
  if (xdgRuntimeDir && isAbsolute(xdgRuntimeDir)) return join(xdgRuntimeDir, 'lsh');
  return join(stateDir, 'run');
}

/** Creates the directories, or tightens them to 0700. Throws STATE_DIR_UNSAFE, STATE_DIR_UNWRITABLE. */
export function ensureDirectories(paths: Pick<LocalPaths, 'stateDir' | 'runtimeDir'>): void {
  for (const path of [paths.stateDir, paths.runtimeDir]) ensurePrivate(path);
}

function ensurePrivate(path: string): void {
  try {
    makeDirectory(path);
    tighten(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw directoryError(path, error);
  }
}

/**
 * With its parents, private all of them, as XDG asks. Not by mkdir's own `recursive`: that one never comes back
 * where a parent exists and still nothing can be made in it, as under /proc.
 */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Looks at the open directory, not at its name: what is checked is what is changed. */
function tighten(path: string): void {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { uid, mode } = fstatSync(directory);
    const user = process.getuid?.();
    if (uid !== user) {
      const detail = `it belongs to user ${uid}, and this is user ${user}`;
      throw new LshError('STATE_DIR_UNSAFE', { path, detail });
    }
    if ((mode & 0o077) !== 0) fchmodSync(directory, 0o700);
  } finally {
    closeSync(directory);
  }
}

/** With O_DIRECTORY a link is ENOTDIR on Linux and ELOOP elsewhere. */
const DETAILS: Record<string, string> = {
  ELOOP: 'it is a symbolic link',
  ENOTDIR: 'it is a symbolic link or a file',
  EEXIST: 'it is a symbolic link or a file',
};

function directoryError(path: string, error: unknown): unknown {
  if (error instanceof LshError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const unsafe = DETAILS[code];
  if (unsafe) return new LshError('STATE_DIR_UNSAFE', { path, detail: unsafe }, { cause: error });
  return new LshError('STATE_DIR_UNWRITABLE', { path, detail: error.message }, { cause: error });
}

/** Creates an empty file that only this user can read, or takes those rights from others on one that exists. */
export function ensurePrivateFile(path: string): void {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  let file: number;
  try {
    file = openSync(path, flags, 0o600);
  } catch (error) {
    throw directoryError(path, error);
  }
  try {
    fchmodSync(file, 0o600);
  } finally {
    closeSync(file);
  }
}

/** Removes a file that may be gone already. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
