// Finds what a cluster leaves on this machine: compares the state before and after a run.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KERNEL_SETTINGS } from './host.ts';
import { SANDBOX_PREFIX, hierarchies } from './sandbox.ts';
import { until } from './until.ts';

/** Instances by kind, one line each. */
export type MachineState = Record<string, ReadonlySet<string>>;

/** Variable that marks the environment of every process of this run. */
const MARK = 'LSH_E2E_RUN';
/** Time for processes and mounts to disappear by themselves. */
const PATIENCE_MS = 60_000;

/** The current state of the machine. Marks the processes that this process starts from now on. */
export function machineState(): MachineState {
  process.env[MARK] ??= String(process.pid);
  const state: Record<string, string[]> = {
    mount: lines(readFileSync('/proc/self/mountinfo', 'utf8')).map(mountOf),
    'network link': lines(readFileSync('/proc/self/net/dev', 'utf8')).flatMap(linkOf),
    'iptables rule': ['iptables-save', 'ip6tables-save', 'iptables-legacy-save'].flatMap(rules),
    // Named namespaces only: a namespace without a name ends with its mounts and processes, and other programs create some.
    'network namespace': names('/run/netns'),
    process: names('/proc').map(Number).filter(Number.isInteger).flatMap(ours),
    'kernel setting': Object.keys(KERNEL_SETTINGS).flatMap((name) =>
      attempt(() => [`${name} = ${readFileSync(join('/proc/sys', name), 'utf8').trim()}`]),
    ),
    cgroup: hierarchies().flatMap((root) =>
      names(root)
        .filter((name) => /^(?:kube|lsh-e2e-)/.test(name))
        .map((name) => join(root, name)),
    ),
    directory: names(tmpdir()).filter((name) => name.startsWith(SANDBOX_PREFIX)),
  };
  return Object.fromEntries(Object.entries(state).map(([kind, instances]) => [kind, new Set(instances)]));
}

/** New and lost instances since `before`; empty if the machine is as before. Waits up to `patienceMs`. */
export async function residue(before: MachineState, patienceMs = PATIENCE_MS): Promise<string[]> {
  let left: string[] = [];
  await until(
    'an end without residue',
    () => {
      left = difference(before, machineState());
      return left.length === 0;
    },
    patienceMs,
  ).catch(() => undefined);
  return left;
}

function difference(before: MachineState, after: MachineState): string[] {
  return Object.entries(after).flatMap(([kind, now]) => {
    const then = before[kind] ?? new Set();
    const added = [...now].filter((name) => !then.has(name)).map((name) => `a new ${kind}: ${name}`);
    const lost = [...then].filter((name) => !now.has(name)).map((name) => `a lost ${kind}: ${name}`);
    return [...added, ...lost];
  });
}

/** Path, type and source of a mount, without the numbers that change. */
function mountOf(line: string): string {
  const [left = '', right = ''] = line.split(' - ');
  const [type, source] = right.split(' ');
  return `${left.split(' ')[4]} (${type} ${source})`;
}

/** The name before the counters; empty for the two heading lines. */
function linkOf(line: string): string[] {
  const [, name] = /^ *([^ :|]+):/.exec(line) ?? [];
  return name === undefined ? [] : [name];
}

/** The rules without comments and counters; empty if the program is missing. */
function rules(program: string): string[] {
  const { stdout } = spawnSync(program, { encoding: 'utf8' });
  return lines(stdout ?? '')
    .filter((line) => !line.startsWith('#'))
    .map((line) => `${program}: ${line.replace(/ *\[\d+:\d+\]/, '')}`);
}

/** The process if it belongs to this run: it has the mark or, in a container, a cgroup of the run. Skips this process. */
function ours(pid: number): string[] {
  return attempt(() => {
    const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
    const marked = read('environ').split('\0').includes(`${MARK}=${process.env[MARK]}`);
    const contained = read('cgroup').includes(`/${SANDBOX_PREFIX}${process.pid}/`);
    return pid !== process.pid && (marked || contained)
      ? [`${pid} ${read('cmdline').replaceAll('\0', ' ')}`]
      : [];
  });
}

function names(directory: string): string[] {
  return attempt(() => readdirSync(directory));
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Returns [] if reading fails: a process has ended, or this machine lacks the directory. */
function attempt(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return [];
  }
}
