// What a cluster may have left on this machine: looked at before and after, and compared.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KERNEL_SETTINGS } from './host.ts';
import { SANDBOX_PREFIX, hierarchies } from './sandbox.ts';
import { until } from './until.ts';

/** Each kind of thing with its instances, one line for each. */
export type MachineState = Record<string, ReadonlySet<string>>;

/** Names this process in the environment of everything that it starts. */
const MARK = 'LSH_E2E_RUN';
/** What ends by itself is given so long. */
const PATIENCE_MS = 60_000;

/** How the machine is now; from here on processes are told to be ours. */
export function machineState(): MachineState {
  process.env[MARK] ??= String(process.pid);
  const state: Record<string, string[]> = {
    mount: lines(readFileSync('/proc/self/mountinfo', 'utf8')).map(mountOf),
    'network link': lines(readFileSync('/proc/self/net/dev', 'utf8')).flatMap(linkOf),
    'iptables rule': ['iptables-save', 'ip6tables-save', 'iptables-legacy-save'].flatMap(rules),
    // A namespace lives by its name here, by a mount or by a process; of the others' come and go what they like.
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

/** What is there now and was not, and what was there and is no more; nothing when all is as before. */
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
    const more = [...now].filter((one) => !then.has(one)).map((one) => `a new ${kind}: ${one}`);
    return [...more, ...[...then].filter((one) => !now.has(one)).map((one) => `a lost ${kind}: ${one}`)];
  });
}

/** Its place, type and source; numbers that change are left out. */
function mountOf(line: string): string {
  const [left = '', right = ''] = line.split(' - ');
  const [type, source] = right.split(' ');
  return `${left.split(' ')[4]} (${type} ${source})`;
}

/** The name before the counters; the two lines of the heading have none. */
function linkOf(line: string): string[] {
  const [, name] = /^ *([^ :|]+):/.exec(line) ?? [];
  return name === undefined ? [] : [name];
}

/** Without comments and counters; none where there is no such program. */
function rules(program: string): string[] {
  const { stdout } = spawnSync(program, { encoding: 'utf8' });
  return lines(stdout ?? '')
    .filter((line) => !line.startsWith('#'))
    .map((line) => `${program}: ${line.replace(/ *\[\d+:\d+\]/, '')}`);
}

/** The process when it is of this run: it has the mark, or, in a container, one of the cgroups; itself it is not. */
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

/** Processes end and directories are not everywhere: then there is nothing to see. */
function attempt(look: () => string[]): string[] {
  try {
    return look();
  } catch {
    return [];
  }
}
