// Prerequisites of a cluster from Debian's packages.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { missingForStandIn } from '../image/stand-in.ts';

/** Debian's packages, keyed by a program of each. */
const PACKAGES: Record<string, string> = {
  buildah: 'buildah',
  containerd: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ip: 'iproute2',
  mount: 'mount',
  tini: 'tini',
  unshare: 'util-linux',
  kubectl: 'kubernetes-client',
};
const NETWORK_PLUGINS = { file: '/usr/lib/cni/bridge', package: 'containernetworking-plugins' };

/** The missing prerequisite and how to install it, in one line; undefined if there is none. */
export function missingForCluster(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a cluster needs root on Linux';
  const packages = Object.entries(PACKAGES).flatMap(([program, name]) => (onPath(program) ? [] : [name]));
  if (!existsSync(NETWORK_PLUGINS.file)) packages.push(NETWORK_PLUGINS.package);
  const missing = [...new Set([...packages, ...missingForStandIn()])];
  if (missing.length > 0) return `a cluster needs Debian's packages: apt-get install ${missing.join(' ')}`;
  const namespaces = ['--net', '--mount', '--pid', '--fork', 'true'];
  return spawnSync('unshare', namespaces).status === 0
    ? undefined
    : 'a cluster needs the right to create namespaces';
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
