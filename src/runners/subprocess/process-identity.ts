// Whether a pid still belongs to a run. The kernel reuses pids, so the process must also lead its group and have the
// run's name in its environment.
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { uptime } from 'node:os';
import { promisify } from 'node:util';
import { ownNameOf } from '../run-index.ts';

const execute = promisify(execFile);
const onLinux = process.platform === 'linux';
/** The name of the process of fork-server.c, as /proc shows it. */
const FORK_SERVER = 'lsh-fork-server\n';

/** Whether the process group led by `pid` has a living process of this run. */
export async function groupBelongsTo(pid: number, run: string): Promise<boolean> {
  if (await isRunProcess(pid, run)) return true;
  for (const member of await groupMembers(pid)) {
    if (await hasRunName(member, run)) return true;
  }
  return false;
}

/** The living members of the group except its leader, as `sleep (4242)`; without arguments, which may hold secrets. */
export async function describeGroup(pgid: number): Promise<string[]> {
  const pids = (await groupMembers(pgid)).filter((pid) => pid !== pgid);
  return Promise.all(pids.map(async (pid) => `${await nameOf(pid)} (${pid})`));
}

async function nameOf(pid: number): Promise<string> {
  const name = onLinux ? readProc(`/proc/${pid}/comm`) : await ps(['-o', 'comm=', '-p', String(pid)]);
  return name?.trim() || 'unknown';
}

/** Whether the process group has a member that is not a zombie: without an init that reaps, zombies stay for ever. */
export async function groupIsAlive(pgid: number): Promise<boolean> {
  return (await groupMembers(pgid)).length > 0;
}

/**
 * Whether `pid` is the leader of this run's process group, and is alive or about to have its exit code on disk. A namesake
 * in another namespace has another pid.
 */
export async function isRunProcess(pid: number, run: string): Promise<boolean> {
  if (!onLinux) return hasRunName(pid, run);
  // Read once: the process may start its command, or end, between two looks.
  const environment = readProc(`/proc/${pid}/environ`);
  const [, parent, group] = statOf(pid);
  if (Number(group) !== pid) return false;
  // Names no run: that of a child of the fork server that has not begun its command or has ended, and that of a command
  // that has replaced or overwritten it (`env -i`, setproctitle), or runs as another user.
  if (!environment?.includes('LSH_RUN=')) return readProc(`/proc/${parent}/comm`) === FORK_SERVER;
  return namesRun(environment, run);
}

async function hasRunName(pid: number, run: string): Promise<boolean> {
  if (onLinux) return namesRun(readProc(`/proc/${pid}/environ`), run);
  const command = await ps(['eww', '-o', 'command=', '-p', String(pid)]);
  return command.split(/\s/).includes(runVariable(run));
}

function namesRun(environment: string | undefined, run: string): boolean {
  return environment?.split('\0').includes(runVariable(run)) ?? false;
}

function runVariable(run: string): string {
  return `LSH_RUN=${ownNameOf(run)}`;
}

async function groupMembers(pgid: number): Promise<number[]> {
  if (onLinux) {
    const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
    return pids.map(Number).filter((pid) => groupOf(pid) === pgid);
  }
  const rows = (await ps(['-A', '-o', 'pid=,pgid=,state='])).trim().split('\n');
  const fields = rows.map((row) => row.trim().split(/\s+/));
  return fields.flatMap(([pid, group, state]) =>
    Number(group) === pgid && !state?.startsWith('Z') ? [Number(pid)] : [],
  );
}

/** When the process started, in clock ticks since the boot; undefined where the system has no /proc. */
export function startTimeOf(pid: number): string | undefined {
  return statOf(pid)[19];
}

/** Whether the process that started then is alive. Without /proc, its command must contain `text`. */
export async function isStillAlive(pid: number, startTime: string, text: string): Promise<boolean> {
  if (onLinux) return groupOf(pid) !== undefined && startTimeOf(pid) === startTime;
  return (await ps(['-o', 'command=', '-p', String(pid)])).includes(text);
}

/** The fields of a process in /proc, from its state on. */
function statOf(pid: number): string[] {
  const stat = readProc(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may hold anything, parentheses included.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
}

/** The process group of a living process. */
function groupOf(pid: number): number | undefined {
  const [state, , group] = statOf(pid);
  return group === undefined || state === 'Z' || state === 'X' ? undefined : Number(group);
}

/** Returns undefined for a process that is gone or belongs to another user. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

async function ps(args: string[]): Promise<string> {
  try {
    return (await execute('/bin/ps', args)).stdout;
  } catch {
    return '';
  }
}

/**
 * Names the clock that counts the uptime; `now` in milliseconds. A container that shares the boot may count from its own
 * start, which is that of its first process.
 */
export function uptimeIdentity(now: number): string {
  return `${bootIdentity(now)} ${statOf(1)[19] ?? ''}`.trim();
}

/** A different text after each boot of the machine; `now` in milliseconds. */
export function bootIdentity(now: number): string {
  const id = onLinux ? readProc('/proc/sys/kernel/random/boot_id') : bootSession();
  // Other systems: the time of the boot, to ten seconds. Clock corrections are smaller, and a boot takes longer.
  return id?.trim() ?? `booted at ${Math.round((now / 1000 - uptime()) / 10)}`;
}

/** The id of the boot on macOS. */
function bootSession(): string | undefined {
  try {
    const args = ['-n', 'kern.bootsessionuuid'];
    return execFileSync('/usr/sbin/sysctl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}
