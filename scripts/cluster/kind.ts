// A kind cluster for one run of the end-to-end tests. An interrupted run removes it; the next run removes the cluster
// of a killed run.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from '../image/build.ts';
import { succeeds } from '../image/engine.ts';
import { ended } from './foreground.ts';

const PREFIX = 'lsh-e2e-kind-';

export interface Images {
  lsh: string;
  tools: string;
}

export interface KindCluster {
  /** Kubeconfig of the administrator. */
  kubeconfig: string;
  /** Name of the node’s container. */
  node: string;
  /** Archive of lsh’s image. */
  archive: string;
}

export function kindWorks(): boolean {
  return succeeds('docker', 'version') && succeeds('kind', 'version');
}

/** Builds the images, creates a cluster with them, runs the work and removes the cluster. */
export async function withKind<T>(
  images: Images,
  work: (cluster: KindCluster) => T | Promise<T>,
): Promise<T> {
  for (const name of leftClusters()) remove(name);
  const name = `${PREFIX}${process.pid}`;
  const directory = directoryOf(name);
  const kubeconfig = kubeconfigIn(directory);
  const archive = join(directory, 'lsh.tar');
  // The terminal interrupts the called program, too; its failure reaches the finally block.
  const wait = () => undefined;
  process.on('SIGINT', wait);
  try {
    mkdirSync(directory, { mode: 0o700 });
    buildImage('docker', { tag: images.lsh, archive });
    buildImage('docker', { tag: images.tools, context: 'test/e2e/tools' });
    await kind('create', 'cluster', `--name=${name}`, `--kubeconfig=${kubeconfig}`, '--wait=5m');
    await kind('load', 'docker-image', ...Object.values(images), `--name=${name}`);
    return await work({ kubeconfig, node: `${name}-control-plane`, archive });
  } finally {
    remove(name);
    spawnSync('docker', ['image', 'rm', ...Object.values(images)], { stdio: ['ignore', 2, 2] });
    process.off('SIGINT', wait);
  }
}

async function kind(...args: string[]): Promise<void> {
  const status = await ended(spawn('kind', args, { stdio: ['ignore', 2, 2] }));
  if (status !== 0) throw new Error(`kind ${args.join(' ')} failed`);
}

/** Clusters of runs whose process is gone. */
function leftClusters(): string[] {
  return execFileSync('kind', ['get', 'clusters'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .filter((name) => name.startsWith(PREFIX) && !isAlive(Number(name.slice(PREFIX.length))));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function remove(name: string): void {
  const kubeconfig = `--kubeconfig=${kubeconfigIn(directoryOf(name))}`;
  spawnSync('kind', ['delete', 'cluster', `--name=${name}`, kubeconfig], { stdio: ['ignore', 2, 2] });
  rmSync(directoryOf(name), { recursive: true, force: true });
}

function directoryOf(name: string): string {
  return join(tmpdir(), name);
}

function kubeconfigIn(directory: string): string {
  return join(directory, 'kubeconfig');
}
