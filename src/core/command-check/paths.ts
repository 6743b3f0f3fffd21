// Paths as a command names them: resolved as far as text alone allows. Knows no file system.

const SYSTEM_ROOTS = new Set(
  '/bin /boot /dev /etc /home /lib /lib32 /lib64 /mnt /opt /proc /root /run /sbin /srv /sys /usr /usr/bin /usr/lib /usr/lib64 /usr/local /usr/sbin /usr/share /var /var/lib /Users /System /Library /Applications'.split(
    ' ',
  ),
);

/** The absolute path without `.`, `..`, doubled slashes and a last part that matches everything. */
export function resolvePath(path: string, cwd: string): string {
  const absolute = /^(\/|~|\$\{HOME\})/.test(path) ? path : `${cwd}/${path}`;
  const parts: string[] = [];
  for (const part of absolute.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  while (parts.length > 0 && matchesEverything(parts.at(-1)!)) parts.pop();
  const home = parts[0] === '${HOME}' || parts[0]?.startsWith('~');
  return home ? parts.join('/') : `/${parts.join('/')}`;
}

/** `*`, `.*`, `?*`, `.[!.]*`, `{*,.*}`. */
function matchesEverything(part: string): boolean {
  return /^(?=.*\*)[*.?!,{}[\]^]+$/.test(part);
}

/** Whether the resolved path is the root, a home, or a directory that the system lives in. */
export function isSystemRoot(path: string): boolean {
  if (path === '/' || path === '${HOME}' || SYSTEM_ROOTS.has(path)) return true;
  if (/^(~[\w.-]*|\/home\/[^/]+|\/Users\/[^/]+)$/.test(path)) return true;
  return /^\/[^/]*[*?{][^/]*$/.test(path.replaceAll(/\$\{[^}]*\}/g, ''));
}

/** The path if every variable in it were empty, or undefined where none can be. */
export function ifVariablesWereEmpty(path: string): string | undefined {
  const emptied = path.replaceAll(/\$\{(?!HOME\}|PWD\}|[^}]*:?\?)[^}]*\}|\$\(\)/g, '');
  return emptied === path || emptied === '' ? undefined : emptied;
}

/** A disk, a partition, the memory: writing there destroys what is on it. */
export function isRawDevice(path: string): boolean {
  return /^\/dev\/(sd|hd|vd|xvd|nvme|mmcblk|r?disk|md\d|dm-|mapper\/|loop|root|sr\d|nbd|zd|mem$|kmem$|port$)/.test(
    path,
  );
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
