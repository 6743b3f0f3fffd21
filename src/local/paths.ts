// The paths of the daemon's files: private directories of this user, never shared. It reads no environment: the settings
// come in as a plain record.
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
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { LshError, toLshError } from '../core/errors.ts';

/** The deciding variables as the environment holds them; a relative XDG path counts as unset, as XDG demands. */
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

/** Absolute paths of the daemon's own files; the runner's files are beside them. */
export interface LocalPaths {
  stateDir: string;
  runtimeDir: string;
  database: string;
  log: string;
  /** What a daemon in the background prints when it crashes; the next one moves it into the log. */
  stderr: string;
  socket: string;
  /** File that names the process and the socket of the running daemon. */
  record: string;
  /** Files that a living daemon locks: for the database, and for the socket. */
  locks: [string, string];
}

/** Longest path that fits sockaddr_un.sun_path before its closing zero byte; macOS has four bytes less. */
const SOCKET_PATH_LIMIT = process.platform === 'darwin' ? 103 : 107;

/** Computes the paths; touches no disk. Throws HOME_MISSING, SOCKET_PATH_TOO_LONG. */
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
    stderr: join(stateDir, 'lshd.stderr'),
    socket,
    record: join(stateDir, 'lshd.json'),
    locks: [join(stateDir, 'lsh.db.lock'), join(runtimeDir, 'lshd.sock.lock')],
  };
}

/** Throws SOCKET_PATH_TOO_LONG for a path beyond the limit of sockets. */
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

/** Creates the directories, or restricts existing ones to 0700. Throws STATE_DIR_UNSAFE, STATE_DIR_UNWRITABLE. */
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
 * Creates the directory and its parents with mode 0700, as XDG demands. It avoids mkdir's `recursive` option, which
 * never returns below a parent like /proc, where mkdir fails with ENOENT.
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

/** Checks and changes the open directory, not its path, so that both concern the same directory. */
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
  if (toLshError(error).code === 'DISK_FULL')
    return new LshError('DISK_FULL', { path, detail: error.message }, { cause: error });
  return new LshError('STATE_DIR_UNWRITABLE', { path, detail: error.message }, { cause: error });
}

/** Enough for a page of the store and the files of a run. */
const PROBE_BYTES = 64 * 1024;

/** Writes a file into the directory and deletes it. Throws DISK_FULL, STATE_DIR_UNWRITABLE. */
export function requireWritable(directory: string): void {
  const path = join(directory, `.write-probe-${process.pid}-${process.hrtime.bigint()}`);
  try {
    writeFileSync(path, Buffer.alloc(PROBE_BYTES), { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    throw directoryError(directory, error);
  } finally {
    removeProbe(path);
  }
}

function removeProbe(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // On a read-only or full disk the file was never made.
  }
}

/** Creates an empty file with mode 0600, or restricts an existing file to it. */
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

/** Removes a file if it exists. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
