// Builds images from Dockerfiles: lsh's image and those of tests. If buildah cannot pull the base, it builds on a
// stand-in of the same name.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildForkServer } from '../build/fork-server.ts';
import { engineCall, privateBuildah, type Engine, type EngineCall } from './engine.ts';
import { npmSecrets, reachesPackages } from './packages.ts';
import { makeStandIn } from './stand-in.ts';

export interface ImageOrder {
  tag: string;
  /** Path of a docker archive to write. */
  archive?: string | undefined;
  /** Directory of the Dockerfile; default: lsh's own. */
  context?: string;
  /** Base image that replaces the Dockerfile's; has no stand-in. */
  base?: string | undefined;
}

interface Ground {
  base: string;
  /** Whether the image build makes dist/, or this machine before it. */
  dist: 'build' | 'prebuilt';
}

/** Builds one image into the engine's store, and into an archive if the order names one. */
export function buildImage(engine: Engine, order: ImageOrder): void {
  if (engine === 'buildah' && order.archive !== undefined) return buildArchives([order]);
  const call = engineCall(engine);
  call.run(...buildArguments(call, order, { base: pinnedBase(), dist: 'build' }));
  if (order.archive !== undefined) call.run('save', '--output', order.archive, order.tag);
}

/** Builds images into archives with buildah, in a temporary store. */
export function buildArchives(orders: readonly ImageOrder[]): void {
  const directory = mkdtempSync(join(tmpdir(), 'lsh-image-'));
  try {
    const call = privateBuildah(directory);
    const ground = provideBase(call, directory, orders);
    for (const order of orders) {
      call.run(...buildArguments(call, order, ground));
      if (order.archive !== undefined)
        call.run('push', order.tag, `docker-archive:${order.archive}:${order.tag}`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Pulls the base or makes a stand-in. A stand-in may lack npm, or cannot reach the packages. */
function provideBase(call: EngineCall, directory: string, orders: readonly ImageOrder[]): Ground {
  const pinned = pinnedBase();
  if (orders.every(({ base }) => base !== undefined) || call.succeeds('pull', pinned))
    return { base: pinned, dist: 'build' };
  // Without the digest: the stand-in has another.
  const base = pinned.replace(/@.*/, '');
  makeStandIn(call, directory, base);
  // A stand-in has no compiler either.
  buildForkServer('dist/libexec');
  if (reachesPackages(call, directory, base)) return { base, dist: 'build' };
  process.stderr.write('image: the build cannot reach packages, so this machine builds dist/ first\n');
  return { base, dist: 'prebuilt' };
}

/** The default base of the Dockerfile: name, tag and digest. */
function pinnedBase(): string {
  return /^ARG BASE=(.+)$/m.exec(readFileSync('Dockerfile', 'utf8'))![1]!;
}

function buildArguments({ engine }: EngineCall, order: ImageOrder, ground: Ground): string[] {
  const { tag, context, base = ground.base } = order;
  const verb = [...(engine === 'buildah' ? ['bud', '--pull=false'] : ['build']), '--tag', tag];
  if (context !== undefined) return [...verb, '--build-arg', `BASE=${base}`, context];
  if (ground.dist === 'prebuilt') buildHere();
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const settings = [`VERSION=${version}`, `REVISION=${revision()}`, `DIST=${ground.dist}`, `BASE=${base}`];
  return [...verb, ...settings.flatMap((setting) => ['--build-arg', setting]), ...npmSecrets(), '.'];
}

/** Builds dist/ as the Dockerfile does. */
function buildHere(): void {
  for (const script of ['build', 'sbom'])
    execFileSync('npm', ['run', '--silent', script], { stdio: ['ignore', 2, 2] });
}

function revision(): string {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}
