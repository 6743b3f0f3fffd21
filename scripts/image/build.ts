// Builds images from Dockerfiles: lsh's own, and those that tests need. Where the base cannot be pulled, buildah
// builds on a stand-in of the same name.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineCall, privateBuildah, type Engine, type EngineCall } from './engine.ts';
import { npmSecrets, reachesPackages } from './packages.ts';
import { makeStandIn } from './stand-in.ts';

const BASE = 'docker.io/library/node:24-slim';

export interface ImageOrder {
  tag: string;
  /** Where a docker archive of it is wanted. */
  archive?: string | undefined;
  /** Directory of the Dockerfile; lsh's own when left out. */
  context?: string;
  /** Instead of the Dockerfile's: the same with a digest, for example. There is no stand-in for it. */
  base?: string | undefined;
}

/** How dist/ comes about: in the build, or here before it. */
type Dist = 'build' | 'prebuilt';

/** Builds one image into the engine's store, and into an archive where one is wanted. */
export function buildImage(engine: Engine, order: ImageOrder): void {
  if (engine === 'buildah' && order.archive !== undefined) return buildArchives([order]);
  const call = engineCall(engine);
  call.run(...buildArguments(call, order, 'build'));
  if (order.archive !== undefined) call.run('save', '--output', order.archive, order.tag);
}

/** Builds images into archives with buildah, in a store that is gone afterwards. */
export function buildArchives(orders: readonly ImageOrder[]): void {
  const directory = mkdtempSync(join(tmpdir(), 'lsh-image-'));
  try {
    const call = privateBuildah(directory);
    const dist = orders.every(({ base }) => base !== undefined) ? 'build' : provideBase(call, directory);
    for (const order of orders) {
      call.run(...buildArguments(call, order, dist));
      if (order.archive !== undefined)
        call.run('push', order.tag, `docker-archive:${order.archive}:${order.tag}`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** On a stand-in there may be no npm, or no way from it to the packages. */
function provideBase(call: EngineCall, directory: string): Dist {
  if (call.succeeds('pull', BASE)) return 'build';
  makeStandIn(call, directory, BASE);
  if (reachesPackages(call, directory, BASE)) return 'build';
  process.stderr.write('image: no package can be had within a build, so that dist/ is built outside of it\n');
  return 'prebuilt';
}

function buildArguments({ engine }: EngineCall, order: ImageOrder, dist: Dist): string[] {
  const verb = engine === 'buildah' ? ['bud', '--pull=false'] : ['build'];
  const { tag, context, base = BASE } = order;
  if (context !== undefined) return [...verb, '--tag', tag, context];
  if (dist === 'prebuilt') buildHere();
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const settings = [`VERSION=${version}`, `REVISION=${revision()}`, `DIST=${dist}`, `BASE=${base}`];
  return [...verb, ...settings.flatMap((one) => ['--build-arg', one]), ...npmSecrets(), '--tag', tag, '.'];
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
