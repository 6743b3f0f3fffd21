// Builds images from Dockerfiles: lsh's own, and those that tests need. Where the base cannot be pulled, buildah
// builds on a stand-in of the same name.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineCall, privateBuildah, type Engine, type EngineCall } from './engine.ts';
import { makeStandIn } from './stand-in.ts';

const BASE = 'docker.io/library/node:24-slim';

export interface ImageOrder {
  tag: string;
  /** Where a docker archive of it is wanted. */
  archive?: string | undefined;
  /** Directory of the Dockerfile; lsh's own when left out. */
  context?: string;
}

/** Builds one image into the engine's store, and into an archive where one is wanted. */
export function buildImage(engine: Engine, order: ImageOrder): void {
  if (engine === 'buildah' && order.archive !== undefined) return buildArchives([order]);
  const call = engineCall(engine);
  call.run(...buildArguments(call, order));
  if (order.archive !== undefined) call.run('save', '--output', order.archive, order.tag);
}

/** Builds images into archives with buildah, in a store that is gone afterwards. */
export function buildArchives(orders: readonly ImageOrder[]): void {
  const directory = mkdtempSync(join(tmpdir(), 'lsh-image-'));
  try {
    const call = privateBuildah(directory);
    const standsIn = !call.succeeds('pull', BASE) && makeStandIn(call, directory, BASE);
    for (const order of orders) {
      call.run(...buildArguments(call, order, standsIn));
      if (order.archive !== undefined)
        call.run('push', order.tag, `docker-archive:${order.archive}:${order.tag}`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** On a stand-in there is no npm: dist/ is built here. */
function buildArguments({ engine }: EngineCall, order: ImageOrder, standsIn = false): string[] {
  const verb = engine === 'buildah' ? ['bud', '--pull=false'] : ['build'];
  const { tag, context } = order;
  if (context !== undefined) return [...verb, '--tag', tag, context];
  if (standsIn) execFileSync(process.execPath, ['scripts/build.ts'], { stdio: ['ignore', 2, 2] });
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const settings = [`VERSION=${version}`, `REVISION=${revision()}`, ...(standsIn ? ['DIST=prebuilt'] : [])];
  return [...verb, ...settings.flatMap((one) => ['--build-arg', one]), '--tag', tag, '.'];
}

function revision(): string {
  const { status, stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}
