// Paths in a command, resolved by their text alone. Must not know the file system.

const SYSTEM_ROOTS = new Set(
  '/bin /boot /dev /etc /home /lib /lib32 /lib64 /mnt /opt /proc /root /run /sbin /srv /sys /usr /usr/bin /usr/lib /usr/lib64 /usr/local /usr/sbin /usr/share /var /var/lib /Users /System /Library /Applications'.split(
    ' ',
  ),
);

/** The absolute path without `.`, `..`, doubled slashes, and without trailing patterns that match everything. */
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

/** Whether the resolved path is the root, a home, or a system directory. */
export function isSystemRoot(path: string): boolean {
  if (path === '/' || path === '${HOME}' || SYSTEM_ROOTS.has(path)) return true;
  if (/^(~[\w.-]*|\/home\/[^/]+|\/Users\/[^/]+)$/.test(path)) return true;
  return /^\/[^/]*[*?{][^/]*$/.test(path.replaceAll(/\$\{[^}]*\}/g, ''));
}

/** The path with every variable empty; undefined if none can be empty. */
export function ifVariablesWereEmpty(path: string): string | undefined {
  const emptied = path.replaceAll(/\$\{(?!HOME\}|PWD\}|[^}]*:?\?)[^}]*\}|\$\(\)/g, '');
  return emptied === path || emptied === '' ? undefined : emptied;
}

/** A disk, a partition, the memory: a write there destroys its contents. */
export function isRawDevice(path: string): boolean {
  return /^\/dev\/(sd|hd|vd|xvd|nvme|mmcblk|r?disk|md\d|dm-|mapper\/|loop|root|sr\d|nbd|zd|mem$|kmem$|port$)/.test(
    path,
  );
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
