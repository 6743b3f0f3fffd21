// Runs a command in its own network, mount and process namespaces, so that the kernel removes the bridges, iptables
// rules, mounts and processes of a cluster. This module removes cgroups and files, also those of a killed run.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from './foreground.ts';
import { until } from './until.ts';

export const SANDBOX_PREFIX = 'lsh-e2e-';
const CGROUPS = '/sys/fs/cgroup';

export interface Sandbox {
  /** Directory of the sandbox’s files. */
  directory: string;
  /** Path of its cgroups below each hierarchy. */
  cgroup: string;
}

/** Creates the directory and the cgroups. Removes those of runs whose process is gone. */
export async function makeSandbox(): Promise<Sandbox> {
  for (const owner of leftOwners()) await removeSandbox(sandboxOf(owner));
  const sandbox = sandboxOf(process.pid);
  mkdirSync(sandbox.directory, { mode: 0o755 });
  for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, sandbox.cgroup), { recursive: true });
  return sandbox;
}

/** Runs the command in the sandbox; the kernel kills it with this process. Resolves with its exit status. */
export function runInside(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child=KILL'];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'unshare', ...namespaces, '--', 'tini', '-g', '--', ...command],
    { env, stdio: 'inherit' },
  );
  return ended(child);
}

/** Removes the cgroups and files that outlive the namespaces. */
export async function removeSandbox({ directory, cgroup }: Sandbox): Promise<void> {
  for (const hierarchy of hierarchies())
    await until(`the end of all processes in ${cgroup}`, () => removeCgroup(join(hierarchy, cgroup)));
  rmSync(directory, { recursive: true, force: true });
}

function sandboxOf(pid: number): Sandbox {
  return { directory: join(tmpdir(), `${SANDBOX_PREFIX}${pid}`), cgroup: `/${SANDBOX_PREFIX}${pid}` };
}

function leftOwners(): number[] {
  const names = [tmpdir(), ...hierarchies()].flatMap((parent) => readdirSync(parent));
  const owners = names
    .filter((name) => name.startsWith(SANDBOX_PREFIX))
    .map((name) => Number(name.slice(SANDBOX_PREFIX.length)));
  return [...new Set(owners)].filter((pid) => Number.isInteger(pid) && !isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').length > 0;
  } catch {
    return false;
  }
}

/** Roots of the cgroup hierarchies: one for each controller in version 1, a single one in version 2. */
export function hierarchies(): string[] {
  const roots = readdirSync(CGROUPS)
    .map((name) => join(CGROUPS, name))
    .filter((path) => statSync(path).isDirectory() && has(path, 'cgroup.procs'));
  return has(CGROUPS, 'cgroup.procs') ? [CGROUPS] : roots;
}

function has(directory: string, name: string): boolean {
  return readdirSync(directory).includes(name);
}

/** Removes a cgroup with its children. Returns false while one still contains an ending process. */
function removeCgroup(path: string): boolean {
  let children: string[];
  try {
    children = readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  if (!children.map(removeCgroup).every(Boolean)) return false;
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw error;
  }
}
