// A cluster of kind for one run of the end-to-end tests.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from '../image/build.ts';
import { succeeds } from '../image/engine.ts';

export interface Images {
  lsh: string;
  tools: string;
}

export interface KindCluster {
  /** File of the administrator. */
  kubeconfig: string;
  /** The container that is its node. */
  node: string;
  /** Of lsh's image. */
  archive: string;
}

export function kindIsThere(): boolean {
  return succeeds('docker', 'version') && succeeds('kind', 'version');
}

/** Builds the images, makes a cluster that has them, and removes it when the work is done. */
export async function withKind<T>(
  images: Images,
  work: (cluster: KindCluster) => T | Promise<T>,
): Promise<T> {
  const name = `lsh-e2e-${process.pid}`;
  const directory = mkdtempSync(join(tmpdir(), 'lsh-kind-'));
  const kubeconfig = join(directory, 'kubeconfig');
  const archive = join(directory, 'lsh.tar');
  const run = (...args: string[]) => execFileSync('kind', args, { stdio: ['ignore', 2, 2] });
  buildImage('docker', { tag: images.lsh, archive });
  buildImage('docker', { tag: images.tools, context: 'test/e2e/tools' });
  try {
    run('create', 'cluster', `--name=${name}`, `--kubeconfig=${kubeconfig}`, '--wait=5m');
    for (const image of Object.values(images)) run('load', 'docker-image', image, `--name=${name}`);
    return await work({ kubeconfig, node: `${name}-control-plane`, archive });
  } finally {
    spawnSync('kind', ['delete', 'cluster', `--name=${name}`], { stdio: ['ignore', 2, 2] });
    spawnSync('docker', ['image', 'rm', ...Object.values(images)], { stdio: ['ignore', 2, 2] });
    rmSync(directory, { recursive: true, force: true });
  }
}
