// Paths in a command, resolved by their text alone. Must not know the file system.

/** Without these the system does not work. */
const VITAL_ROOTS =
  '/bin /boot /dev /etc /home /lib /lib32 /lib64 /proc /root /run /sbin /sys /usr /usr/bin /usr/lib /usr/lib64 /usr/local /usr/sbin /usr/share /var /var/lib /Users /System /Library /Applications'.split(
    ' ',
  );
/** These hold data of all users or services. */
const SHARED_ROOTS = ['/mnt', '/opt', '/srv'];
const SYSTEM_ROOTS = new Set([...VITAL_ROOTS, ...SHARED_ROOTS]);
const VITAL = new Set(['/', ...VITAL_ROOTS]);

/** The absolute path without `.`, `..`, doubled slashes, and without trailing patterns that match everything. */
export function resolvePath(path: string, cwd: string): string {
  const absolute = /^(\/|~|\$\{HOME\})/.test(path) ? path : `${cwd}/${path}`;
  const parts: string[] = [];
  for (const part of absolute.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  while (parts.length > 0 && matchesEverything(parts.at(-1)!)) parts.pop();
  if (parts[0] === '~') parts[0] = '${HOME}';
  const home = parts[0] === '${HOME}' || parts[0]?.startsWith('~');
  return home ? parts.join('/') : `/${parts.join('/')}`;
}

/** `*`, `.*`, `?*`, `.[!.]*`, `{*,.*}`. */
function matchesEverything(part: string): boolean {
  return /^(?=.*\*)[*.?!,{}[\]^]+$/.test(part);
}

/** Whether the resolved path is the root, a home, or a system directory; a pattern, whether it matches one. */
export function isSystemRoot(path: string): boolean {
  if (path === '/' || path === '${HOME}' || SYSTEM_ROOTS.has(path)) return true;
  if (/^(~[\w.-]*|\/home\/[^/]+|\/Users\/[^/]+)$/.test(path)) return true;
  return isPattern(path) && [...SYSTEM_ROOTS].some((root) => matchesPattern(path, root));
}

/** Whether the system itself needs the resolved path; a home, and a directory for data, are not such. */
export function isVitalRoot(path: string): boolean {
  return VITAL.has(path) || /^~[\w.-]+$/.test(path);
}

/** Whether the path holds a wildcard of the shell. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

const MAX_PATTERN = 256;

/** Whether the shell’s pattern matches the path. */
export function matchesPattern(pattern: string, path: string): boolean {
  if (pattern.length > MAX_PATTERN) return false;
  const parts = path.split('/');
  const patterns = pattern.split('/');
  return patterns.length === parts.length && patterns.every((each, at) => matchesPart(each, parts[at]!));
}

/** Goes back only to the last `*`, so the time is at most the product of both lengths. */
function matchesPart(pattern: string, text: string): boolean {
  const tokens = pattern.match(/\[[!^]?\]?[^\]]*\]|[^]/g) ?? [];
  let [token, at, star, mark] = [0, 0, -1, 0];
  while (at < text.length) {
    if (tokens[token] === '*') {
      star = token++;
      mark = at;
    } else if (token < tokens.length && matchesCharacter(tokens[token]!, text[at]!)) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++mark;
    } else return false;
  }
  return tokens.slice(token).every((each) => each === '*');
}

function matchesCharacter(token: string, char: string): boolean {
  if (token === '?' || token === char) return true;
  if (token.length < 3) return false;
  const negated = /^\[[!^]/.test(token);
  return inClass(token.slice(negated ? 2 : 1, -1), char) !== negated;
}

/** `a-z_`. */
function inClass(members: string, char: string): boolean {
  for (let at = 0; at < members.length; at++) {
    if (members[at + 1] === '-' && at + 2 < members.length) {
      if (char >= members[at]! && char <= members[at + 2]!) return true;
      at += 2;
    } else if (members[at] === char) return true;
  }
  return false;
}

/** The path with every variable empty; undefined if none can be empty. */
export function ifVariablesWereEmpty(path: string): string | undefined {
  const emptied = path.replaceAll(/\$\{([^{}]*)\}|\$\(\)/g, (whole, inside?: string) =>
    inside === 'HOME' || inside === 'PWD' || inside?.includes('?') ? whole : '',
  );
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
