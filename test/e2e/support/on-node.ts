// Runs scripts on the node, outside of pods: on this machine if the cluster consists of its processes.
import { execFileSync } from 'node:child_process';
import { inject } from 'vitest';

/** Returns the output of the script. */
export function onNode(script: string): string {
  const [program = '', ...args] = inject('nodeShell');
  return execFileSync(program, [...args, script], { encoding: 'utf8' });
}
