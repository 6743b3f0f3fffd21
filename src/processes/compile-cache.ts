// The directory of Node's compile cache, which holds code that this user runs: no other user may write it. Every command
// loads this file before it does anything, so it imports next to nothing.
import { lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { setFlagsFromString } from 'node:v8';

/** Keeps other users out of all that Node makes below it. */
const NAME = '.cache/lsh';

/** `path` for a directory that is safe to use; `fault` for one that is not, which costs only the time to compile. */
export type CompileCache = { path: string; fault?: undefined } | { path: string | undefined; fault: string };

/** Finds the directory, or creates it with mode 0700. Never throws. */
export function compileCache(): CompileCache {
  let path: string | undefined;
  try {
    path = `${homedir()}/${NAME}`;
    const { uid, mode } = lstatSync(path, { throwIfNoEntry: false }) ?? made(path);
    const isDirectory = (mode & 0o170000) === 0o040000;
    if (!isDirectory) return { path, fault: 'it is no directory' };
    if (uid !== process.getuid?.()) return { path, fault: `it belongs to user ${uid}` };
    if ((mode & 0o022) !== 0) return { path, fault: 'it can be written by other users' };
    return { path: `${path}/compile` };
  } catch (error) {
    return { path, fault: (error as Error).message };
  }
}

/** Has Node keep compiled code, if the directory is safe. */
export function enableCompileCache(): void {
  const cache = compileCache();
  if (cache.fault !== undefined) return;
  // Node makes directories in it with the umask of the process.
  const umask = process.umask(0o077);
  module.enableCompileCache(cache.path);
  process.umask(umask);
}

/** Avoids mkdir's `recursive` option, which never returns below a parent like /proc. */
function made(path: string): { uid: number; mode: number } {
  for (const each of [path.slice(0, path.lastIndexOf('/')), path]) {
    try {
      mkdirSync(each, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return lstatSync(path);
}

/**
 * Loads a file of the bundle with all its functions from the cache. By default V8 compiles a function at its first call,
 * in every process anew: the cache holds what was compiled with the file. Costs memory for the functions that are not
 * called, so the daemon does without.
 */
export function loadWhole<T>(load: () => Promise<T>): Promise<T> {
  if (module.getCompileCacheDir() === undefined) return load();
  setFlagsFromString('--no-lazy');
  // Node has compiled the file when it returns the promise.
  const loading = load();
  setFlagsFromString('--lazy');
  return loading;
}
