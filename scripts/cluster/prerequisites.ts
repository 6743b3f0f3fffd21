// What a cluster from Debian's packages needs of the machine.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { missingForStandIn } from '../image/stand-in.ts';

/** Debian's packages by a program of theirs. */
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

/** What is missing, as one line that says how it is had; undefined when nothing is. */
export function missingForCluster(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs root on Linux';
  const packages = Object.entries(PACKAGES).flatMap(([program, name]) => (onPath(program) ? [] : [name]));
  if (!existsSync(NETWORK_PLUGINS.file)) packages.push(NETWORK_PLUGINS.package);
  const missing = [...new Set([...packages, ...missingForStandIn()])];
  if (missing.length > 0) return `it needs Debian's packages: apt-get install ${missing.join(' ')}`;
  const namespaces = ['--net', '--mount', '--pid', '--fork', 'true'];
  return spawnSync('unshare', namespaces).status === 0 ? undefined : 'it needs the right to make namespaces';
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
