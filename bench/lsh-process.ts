// Runs the built command line in a home of its own, for the bench and the demo.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BUNDLE } from '../test/support/daemon/bundle.ts';
import type { Supabase } from '../test/support/stores/supabase.ts';

/** Clock ticks a second: Linux counts CPU time in ticks. */
const TICKS_PER_SECOND = 100;

export interface LshHome {
  env: NodeJS.ProcessEnv;
  /** Runs `lsh` and returns its stdout. Throws its stderr if it fails. */
  lsh(...args: string[]): string;
  /** Runs `lsh apply -f -` with the documents. */
  apply(documents: string): void;
  /** Stops the daemon and removes the home. */
  dispose(): void;
}

/** Creates a home in the temporary directory. */
export function newHome(settings: Record<string, string> = {}): LshHome {
  const root = mkdtempSync(join(tmpdir(), 'lsh-'));
  const env = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: root,
    XDG_STATE_HOME: join(root, 'state'),
    XDG_RUNTIME_DIR: join(root, 'run'),
    XDG_CACHE_HOME: join(root, 'cache'),
    ...settings,
  };
  const call = (args: string[], input?: string): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BUNDLE, ...args], {
      env,
      input,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`lsh ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout;
  };
  return {
    env,
    lsh: (...args) => call(args),
    apply: (documents) => void call(['apply', '-f', '-'], documents),
    dispose() {
      call(['daemon', 'stop']);
      // A run that ends just now still writes its log.
      rmSync(root, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** The settings of a home that writes to the project and reads it. */
export function settingsOf({ url, serviceRoleKey }: Supabase): Record<string, string> {
  return { SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: serviceRoleKey };
}

/** Time of a call, milliseconds. It blocks nothing here: a gateway of this process must answer meanwhile. */
export async function callMs({ env }: LshHome, ...args: string[]): Promise<number> {
  const before = performance.now();
  await promisify(execFile)(process.execPath, [BUNDLE, ...args], { env });
  return performance.now() - before;
}

/** CPU time of a process so far, milliseconds. */
export function cpuMs(pid: number): number {
  return ticksMs(statOf(pid).slice(11, 13));
}

/** CPU time so far of a process, of the children that it has waited for, and of its living descendants likewise, milliseconds. */
export function treeCpuMs(pid: number): number {
  const own = ticksMs(statOf(pid).slice(11, 15));
  return childrenOf(pid).reduce((sum, child) => sum + treeCpuMs(child), own);
}

/** The living children of a process. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && statOf(Number(entry))[1] === String(pid))
    .map(Number);
}

/** The fields of a process in /proc, from its state on; none for a process that has ended. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function ticksMs(ticks: readonly string[]): number {
  return (ticks.reduce((sum, field) => sum + Number(field), 0) * 1000) / TICKS_PER_SECOND;
}

/** Resident memory of a process, MB. */
export function rssMb(pid: number): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}
