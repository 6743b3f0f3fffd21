// A base image from files of this machine: its Node and installed Debian packages. For machines without a registry;
// images on this base are for tests, never for users.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { EngineCall } from './engine.ts';

/** Packages of a shell, the usual programs, the init and the time zones. */
const PACKAGES = ['base-files', 'coreutils', 'dash', 'grep', 'sed', 'tini', 'tzdata'];
const MERGED = ['bin', 'lib', 'lib64', 'sbin'];
const USERS = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n';

/** Packages that a stand-in needs and this machine lacks. */
export function missingForStandIn(): string[] {
  return PACKAGES.filter((name) => !existsSync(`/var/lib/dpkg/info/${name}.list`));
}

/** Builds the base image under the given name. */
export function makeStandIn(buildah: EngineCall, directory: string, name: string): void {
  const missing = missingForStandIn();
  if (missing.length > 0) throw new Error(`a base image needs Debian's packages ${missing.join(', ')}`);
  process.stderr.write(`image: ${name} cannot be pulled; lsh makes a stand-in from files of this machine\n`);
  const root = join(directory, 'stand-in');
  makeRoot(root);
  const context = join(directory, 'stand-in.Dockerfile');
  writeFileSync(context, 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin\nCMD ["node"]\n');
  buildah.run('bud', '--tag', name, '--file', context, root);
}

function makeRoot(root: string): void {
  for (const path of ['usr/bin', 'usr/lib', 'usr/lib64', 'usr/sbin', 'usr/local/bin', 'etc', 'root', 'tmp'])
    mkdirSync(join(root, path), { recursive: true });
  for (const path of MERGED) symlinkSync(`usr/${path}`, join(root, path));
  chmodSync(join(root, 'tmp'), 0o1777);
  copyPackages(root);
  copyFileSync(realpathSync(process.execPath), join(root, 'usr/local/bin/node'));
  for (const library of librariesOf([join(root, 'usr/local/bin/node'), ...programsIn(join(root, 'usr/bin'))]))
    copyLibrary(root, library);
  if (!existsSync(join(root, 'usr/bin/sh'))) symlinkSync('dash', join(root, 'usr/bin/sh'));
  copyNpm(root);
  writeFileSync(join(root, 'etc/passwd'), USERS);
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n');
}

/** Copies the programs of the packages and the time zones; no manuals. */
function copyPackages(root: string): void {
  const files = execFileSync('dpkg', ['--listfiles', ...PACKAGES], { encoding: 'utf8' })
    .split('\n')
    .filter((path) => /^\/(bin|usr\/bin|usr\/share\/zoneinfo)\/./.test(path) && existsSync(path));
  execFileSync(
    'sh',
    ['-c', 'tar -c --no-recursion -C / -T - | tar -x --keep-directory-symlink -C "$1"', 'sh', root],
    { input: files.map((path) => `.${path}\n`).join(''), stdio: ['pipe', 2, 2] },
  );
}

/** Copies the npm that runs this script to its place in Node's images. Skips Debian's npm: it spans many packages. */
function copyNpm(root: string): void {
  const package_ = dirname(dirname(process.env['npm_execpath'] ?? '/none/bin/npm-cli.js'));
  if (!existsSync(join(package_, 'node_modules'))) return;
  cpSync(package_, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
}

function programsIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(directory, name));
}

/** Paths of the libraries of the programs, with the loader; a script has none. */
function librariesOf(programs: string[]): Set<string> {
  const { stdout } = spawnSync('ldd', programs, { encoding: 'utf8' });
  return new Set([...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path));
}

function copyLibrary(root: string, path: string): void {
  // Below /usr: /lib is a link to /usr/lib there, so the program finds the library by its name.
  const target = join(root, path.startsWith('/usr/') ? path : `/usr${path}`);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(realpathSync(path), target);
  chmodSync(target, 0o755);
}
