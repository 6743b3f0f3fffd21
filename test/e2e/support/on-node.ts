// A shell on the node itself, beside the pods: this machine's where the cluster is one of this machine's processes.
import { execFileSync } from 'node:child_process';
import { inject } from 'vitest';

/** What the script printed. */
export function onNode(script: string): string {
  const [program = '', ...args] = inject('nodeShell');
  return execFileSync(program, [...args, script], { encoding: 'utf8' });
}
