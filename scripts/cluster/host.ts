// Prepares empty namespaces as the host of a node: with private directories, a network with an address, and false
// files for the kernel settings that a kubelet would otherwise change for the whole machine.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE, SERVICES } from './addresses.ts';

/** Kernel settings that a kubelet writes if it reads other values. */
export const KERNEL_SETTINGS: Record<string, number> = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
};

/** Prepares the namespaces of this process. */
export function prepareHost(directory: string): void {
  ownDirectories(directory);
  for (const [name, value] of Object.entries(KERNEL_SETTINGS)) pretend(`/proc/sys/${name}`, value);
  network();
}

function ownDirectories(directory: string): void {
  run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run');
  const [upper, work] = [join(directory, 'var'), join(directory, 'var-work')];
  for (const path of [upper, work]) mkdirSync(path);
  run('mount', '-t', 'overlay', '-o', `lowerdir=/var,upperdir=${upper},workdir=${work}`, 'overlay', '/var');
}

function pretend(path: string, value: number): void {
  if (!existsSync(path)) return;
  const file = join('/run', path.replaceAll('/', '-'));
  writeFileSync(file, `${value}\n`);
  run('mount', '--bind', file, path);
}

function network(): void {
  run('ip', 'link', 'set', 'lo', 'up');
  // A bridge: not every kernel has dummy devices.
  run('ip', 'link', 'add', NODE.bridge, 'type', 'bridge');
  run('ip', 'address', 'add', `${NODE.ip}/24`, 'dev', NODE.bridge);
  run('ip', 'link', 'set', NODE.bridge, 'up');
  run('ip', 'route', 'add', SERVICES.network, 'dev', NODE.bridge);
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 2, 2] });
}
