// Builds Kubernetes 1.20 from Debian's source package, the newest complete one. Uses a private apt configuration and a
// private directory: needs no root, installs no package and leaves the system's sources unchanged.
import { execFileSync } from 'node:child_process';
import {
  accessSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep, say, type Step } from './run.ts';

const VERSION = { git: 'v1.20.2', major: '1', minor: '20', commit: 'debian' };
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PACKAGES = ['golang-1.19-go', 'golang-1.19-src', 'etcd-server', 'golang-github-modern-go-reflect2-dev'];
const REFLECT2 = 'github.com/modern-go/reflect2';
const TOOLS = ['apt-get', 'dpkg-deb', 'tar', 'nice', 'flock'];
/** Programs of an API server for tests; etcd is Debian's own. */
export const SERVER_BINARIES = ['etcd', 'kube-apiserver', 'kube-controller-manager'];
/** Further programs of a node that runs pods. */
export const NODE_BINARIES = ['kube-scheduler', 'kubelet', 'kube-proxy'];

/**
 * The source lacks one generated file. `make generated_files`, which compares all of them, takes ten times as long.
 * Arguments: the generator, and a file for its report on the names of fields.
 */
const GENERATE_OPENAPI = `
packages=$(grep -rlR '+k8s:openapi-gen=' --include='*.go' pkg cmd plugin vendor/k8s.io/ |
  grep -v -e '^vendor/k8s.io/code-generator/' -e '^vendor/k8s.io/sample-apiserver/' |
  xargs -n 1 dirname | LC_ALL=C sort -u | sed 's,^,k8s.io/kubernetes/,' | tr '\\n' ',')
exec "$1" -i "\${packages%,}" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi \\
  -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$2"`;

/** The missing prerequisites in one line; undefined if this machine can build. */
export function missingPrerequisites(): string | undefined {
  const missing = TOOLS.filter((tool) => !onPath(tool));
  if (!existsSync(KEYRING)) missing.push('debian-archive-keyring');
  if (missing.length === 0 && archive() === undefined) missing.push("the distribution's archive as a source");
  return missing.length === 0 ? undefined : `a build needs Debian with ${missing.join(', ')}`;
}

/**
 * Builds the programs in `workDir`, which must not exist, and removes it. Adds them to `target` once all are built.
 */
export async function buildFromDebianSource(
  workDir: string,
  target: string,
  binaries: readonly string[],
): Promise<void> {
  mkdirSync(join(workDir, 'downloads'), { recursive: true });
  const logFile = join(workDir, 'log');
  for (const step of downloadSteps(workDir)) await runStep(step, logFile);
  for (const step of unpackSteps(workDir)) await runStep(step, logFile);
  for (const step of buildSteps(workDir, binaries)) await runStep(step, logFile);
  const bin = join(workDir, 'bin');
  if (binaries.includes('etcd')) copyFileSync(join(workDir, 'prefix/usr/bin/etcd'), join(bin, 'etcd'));
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(bin)) renameSync(join(bin, name), join(target, name));
  rmSync(workDir, { recursive: true, force: true });
  say(`built ${binaries.join(', ')} ${VERSION.git} into ${target}`);
}

function onPath(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, tool));
      return true;
    } catch {
      return false;
    }
  });
}

/** The Debian archive of this machine; every mirror of it has the suites of all releases. */
function archive(): string | undefined {
  const args = ['indextargets', '--no-release-info', '--format', '$(REPO_URI)', 'Created-By: Packages'];
  return execFileSync('apt-get', args, { encoding: 'utf8' })
    .split('\n')
    .find((uri) => uri.endsWith('/debian/'));
}

function downloadSteps(workDir: string): Step[] {
  const apt = join(workDir, 'apt');
  for (const dir of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(apt, dir), { recursive: true });
  writeFileSync(
    join(apt, 'sources.list'),
    ['deb', 'deb-src'].map((kind) => `${kind} [signed-by=${KEYRING}] ${archive()} bookworm main\n`).join(''),
  );
  const options = [
    `Dir::Etc::sourcelist=${join(apt, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::Lists=${join(apt, 'lists')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    ...(process.getuid?.() === 0 ? ['APT::Sandbox::User=root'] : []),
  ].flatMap((option) => ['-o', option]);
  const cwd = join(workDir, 'downloads');
  return [
    { title: "reading Debian's package lists", command: ['apt-get', ...options, 'update'], cwd },
    {
      title: 'downloading the source of Kubernetes 1.20 (35 MB)',
      command: ['apt-get', ...options, 'source', '--download-only', 'kubernetes'],
      cwd,
    },
    {
      title: 'downloading Go and etcd (90 MB)',
      command: ['apt-get', ...options, 'download', ...PACKAGES],
      cwd,
    },
  ];
}

function unpackSteps(workDir: string): Step[] {
  const downloads = join(workDir, 'downloads');
  const source = sourceDir(workDir);
  const files = readdirSync(downloads);
  const tarball = files.find((file) => file.endsWith('.orig.tar.gz'));
  if (tarball === undefined) throw new Error(`no source of kubernetes among ${files.join(', ')}`);
  mkdirSync(source, { recursive: true });
  const title = 'unpacking';
  return [
    ...files
      .filter((file) => file.endsWith('.deb'))
      .map((file) => ({
        title: `${title} ${file}`,
        command: ['dpkg-deb', '-x', file, join(workDir, 'prefix')],
        cwd: downloads,
      })),
    {
      title: `${title} ${tarball}`,
      command: ['tar', 'xzf', tarball, '-C', source, '--strip-components=1'],
      cwd: downloads,
    },
    // The source has a copy of this library that reads the maps of Go 1.18 and later wrongly: the first custom
    // resource would crash the server. Debian's package has a fixed version.
    {
      title: 'replacing reflect2',
      command: [
        'sh',
        '-c',
        'rm -r "$2" && cp -r "$1" "$2"',
        'sh',
        join(workDir, 'prefix/usr/share/gocode/src', REFLECT2),
        join(source, 'vendor', REFLECT2),
      ],
      cwd: downloads,
    },
  ];
}

/** Build tags without the clients of cloud providers and without dockershim, which no test needs: half of the code. */
const LEFT_OUT = 'providerless,dockerless';

function buildSteps(workDir: string, binaries: readonly string[]): Step[] {
  const cwd = sourceDir(workDir);
  const goRoot = join(workDir, 'prefix/usr/lib/go-1.19');
  mkdirSync(join(workDir, 'home'));
  mkdirSync(join(workDir, 'bin'));
  const env = {
    PATH: [join(goRoot, 'bin'), '/usr/bin:/bin'].join(':'),
    HOME: join(workDir, 'home'),
    GOROOT: goRoot,
    GOPATH: join(workDir, 'gopath'),
    GOCACHE: join(workDir, 'go-cache'),
    GO111MODULE: 'off',
    GOFLAGS: '',
    CGO_ENABLED: '0',
    // Collecting garbage takes a fifth of the compiler's processor time.
    GOGC: '400',
  };
  const generator = join(workDir, 'openapi-gen');
  const target = `${join(workDir, 'bin')}/`;
  const compiled = binaries.filter((name) => name !== 'etcd');
  const packages = compiled.map((name) => `k8s.io/kubernetes/cmd/${name}`);
  return [
    {
      title: 'compiling the generator of the OpenAPI document',
      command: ['go', 'build', '-o', generator, './vendor/k8s.io/kube-openapi/cmd/openapi-gen'],
      cwd,
      env,
    },
    {
      title: 'generating the OpenAPI document',
      command: ['sh', '-c', GENERATE_OPENAPI, 'sh', generator, join(workDir, 'violations')],
      cwd,
      env,
    },
    {
      title: `compiling ${compiled.join(', ')} (a few minutes)`,
      command: ['go', 'build', '-tags', LEFT_OUT, '-ldflags', linkerFlags(), '-o', target, ...packages],
      cwd,
      env,
    },
  ];
}

function sourceDir(workDir: string): string {
  return join(workDir, 'gopath/src/k8s.io/kubernetes');
}

function linkerFlags(): string {
  const fields = {
    gitVersion: VERSION.git,
    gitMajor: VERSION.major,
    gitMinor: VERSION.minor,
    gitCommit: VERSION.commit,
    gitTreeState: 'clean',
    buildDate: '2021-01-13T00:00:00Z',
  };
  // `--version` prints one of them, the server returns the other.
  const settings = ['component-base/version', 'client-go/pkg/version'].flatMap((path) =>
    Object.entries(fields).map(
      ([name, value]) => `-X k8s.io/kubernetes/vendor/k8s.io/${path}.${name}=${value}`,
    ),
  );
  return ['-s', '-w', ...settings].join(' ');
}
