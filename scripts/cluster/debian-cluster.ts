// A cluster of one node, from Debian's packages and from binaries built from Debian's source. Start it in its own
// namespaces (sandbox.ts): the kernel removes the cluster with them.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { CONTAINERD_SOCKET, NODE, SERVICES } from './addresses.ts';
import { apiServer, controllerManager, etcd, scheduler } from './control-plane.ts';
import { prepareHost } from './host.ts';
import { makeKeys } from './keys.ts';
import { containerd, kubelet, kubeProxy, type NodeOptions } from './node.ts';
import { Programs } from './programs.ts';
import { until } from './until.ts';

const CONNECT_TIMEOUT_MS = 2_000;

export interface DebianClusterOptions {
  directory: string;
  cgroup: string;
  binaries: string;
  /** Archives of images to load into the node. */
  images: readonly string[];
  say: (line: string) => void;
}

export interface RunningCluster {
  /** Kubeconfig of the administrator. */
  kubeconfig: string;
  stop: () => Promise<void>;
}

export async function startDebianCluster(options: DebianClusterOptions): Promise<RunningCluster> {
  const { directory, binaries, say } = options;
  prepareHost(directory);
  const keys = await makeKeys(join(directory, 'keys'));
  const kubeconfig = keys.kubeconfig.admin;
  const programs = new Programs(join(directory, 'logs'));
  const holds = (what: string, look: () => boolean | Promise<boolean>) =>
    until(what, () => {
      programs.check();
      return look();
    });
  const kubectl = (...args: string[]) =>
    spawnSync('kubectl', [`--kubeconfig=${kubeconfig}`, ...args]).status === 0;
  try {
    programs.start(etcd(binaries));
    programs.start(apiServer(binaries, keys));
    const node: NodeOptions = { directory: join(directory, 'node'), binaries, keys, cgroup: options.cgroup };
    mkdirSync(node.directory);
    programs.start(containerd(node));
    await holds('containerd answers', () => ctr('version'));
    for (const image of options.images) importImage(image);
    await holds('the API server is ready', () => kubectl('get', '--raw=/readyz'));
    say('the control plane is up');
    programs.start(controllerManager(binaries, keys));
    programs.start(scheduler(binaries, keys));
    programs.start(kubelet(node));
    programs.start(kubeProxy(node));
    await holds('the node is ready', () =>
      kubectl('wait', '--for=condition=Ready', `node/${NODE.name}`, '--timeout=1s'),
    );
    await holds('the service network works', servicesWork);
    await holds('the default service account exists', () => kubectl('get', 'serviceaccount', 'default'));
    say('the node is ready');
  } catch (error) {
    await programs.stop();
    throw error;
  }
  return { kubeconfig, stop: () => programs.stop() };
}

/** Loads the images of a docker archive into the containerd of the kubelet. */
function importImage(archive: string): void {
  if (!ctr('image', 'import', archive)) throw new Error(`containerd cannot import ${archive}`);
}

function ctr(...args: string[]): boolean {
  return spawnSync('ctr', ['--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io', ...args]).status === 0;
}

/** Whether kube-proxy has set its rules: the API server answers at the address of its Service. */
async function servicesWork(): Promise<boolean> {
  const socket = connect({ host: SERVICES.apiServer, port: 443, timeout: CONNECT_TIMEOUT_MS });
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('timeout', () => resolve(false)).once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}
