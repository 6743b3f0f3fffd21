// Runs a command in namespaces of its own for network, mounts and processes: bridges, iptables rules and mounts
// of a cluster are the kernel's to remove, and so is every process of it. What it cannot remove, cgroups and files, is
// removed here, also what a run left that was killed.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from './foreground.ts';
import { until } from './until.ts';

export const SANDBOX_PREFIX = 'lsh-e2e-';
const CGROUPS = '/sys/fs/cgroup';

export interface Sandbox {
  /** Directory of its files. */
  directory: string;
  /** Where its cgroups are, below each hierarchy. */
  cgroup: string;
}

/** Makes directory and cgroups; removes those of processes that are no more. */
export async function makeSandbox(): Promise<Sandbox> {
  for (const owner of leftOwners()) await removeSandbox(sandboxOf(owner));
  const sandbox = sandboxOf(process.pid);
  mkdirSync(sandbox.directory, { mode: 0o755 });
  for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, sandbox.cgroup), { recursive: true });
  return sandbox;
}

/** Ends with the command, or with this process, whatever happens to it; resolves with the command's status. */
export function runInside(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child=KILL'];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'unshare', ...namespaces, '--', 'tini', '-g', '--', ...command],
    { env, stdio: 'inherit' },
  );
  return ended(child);
}

/** Removes what namespaces leave. */
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

/** Roots of the hierarchies: one for each controller in version 1, the only one in version 2. */
export function hierarchies(): string[] {
  const roots = readdirSync(CGROUPS)
    .map((name) => join(CGROUPS, name))
    .filter((path) => statSync(path).isDirectory() && has(path, 'cgroup.procs'));
  return has(CGROUPS, 'cgroup.procs') ? [CGROUPS] : roots;
}

function has(directory: string, name: string): boolean {
  return readdirSync(directory).includes(name);
}

/** From the leaves up; false while a process that is ending is still in one. */
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
