// What the kernel says about another process of this user.
import { readFileSync } from 'node:fs';

/** Whether the process still runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // In a container whose first process reaps no children, a dead daemon stays a zombie for ever.
  return process.platform !== 'linux' || (stateOf(pid) ?? 'Z') !== 'Z';
}

/** Whether STOP or a debugger has frozen the process. Always false where there is no /proc. */
export function isStopped(pid: number): boolean {
  return ['T', 't'].includes(stateOf(pid) ?? '');
}

/** The letter of proc(5), such as `S`; undefined if there is no such process, or no /proc. */
function stateOf(pid: number): string | undefined {
  try {
    return /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1];
  } catch {
    return undefined;
  }
}
