// Builds images from Dockerfiles: lsh's own, and those that tests need. Where the base cannot be pulled, buildah
// builds on a stand-in of the same name.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineCall, privateBuildah, type Engine, type EngineCall } from './engine.ts';
import { npmSecrets, reachesPackages } from './packages.ts';
import { makeStandIn } from './stand-in.ts';

export interface ImageOrder {
  tag: string;
  /** Where a docker archive of it is wanted. */
  archive?: string | undefined;
  /** Directory of the Dockerfile; lsh's own when left out. */
  context?: string;
  /** Instead of the Dockerfile's. There is no stand-in for it. */
  base?: string | undefined;
}

interface Ground {
  base: string;
  /** How dist/ comes about: in the build, or here before it. */
  dist: 'build' | 'prebuilt';
}

/** Builds one image into the engine's store, and into an archive where one is wanted. */
export function buildImage(engine: Engine, order: ImageOrder): void {
  if (engine === 'buildah' && order.archive !== undefined) return buildArchives([order]);
  const call = engineCall(engine);
  call.run(...buildArguments(call, order, { base: pinnedBase(), dist: 'build' }));
  if (order.archive !== undefined) call.run('save', '--output', order.archive, order.tag);
}

/** Builds images into archives with buildah, in a store that is gone afterwards. */
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

/** On a stand-in there may be no npm, or no way from it to the packages. */
function provideBase(call: EngineCall, directory: string, orders: readonly ImageOrder[]): Ground {
  const pinned = pinnedBase();
  if (orders.every(({ base }) => base !== undefined) || call.succeeds('pull', pinned))
    return { base: pinned, dist: 'build' };
  // What is made here has a digest of its own.
  const base = pinned.replace(/@.*/, '');
  makeStandIn(call, directory, base);
  if (reachesPackages(call, directory, base)) return { base, dist: 'build' };
  process.stderr.write('image: no package can be had within a build, so that dist/ is built outside of it\n');
  return { base, dist: 'prebuilt' };
}

/** What the Dockerfile builds on when nobody says otherwise: name, tag and digest. */
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
  return [...verb, ...settings.flatMap((one) => ['--build-arg', one]), ...npmSecrets(), '.'];
}

/** What the Dockerfile would do. */
function buildHere(): void {
  for (const script of ['build', 'sbom'])
    execFileSync('npm', ['run', '--silent', script], { stdio: ['ignore', 2, 2] });
}

function revision(): string {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}
