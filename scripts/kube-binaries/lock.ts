// A lock that the kernel releases when its holder dies: flock(1) in a child that ends with the pipe to this process.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { say } from './run.ts';

const SILENT_WAIT_MS = 2_000;

/** Waits for the lock on the file, and holds it during the work. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const hint = setTimeout(() => say('waiting for the build of another process'), SILENT_WAIT_MS);
  try {
    await new Promise((resolve, reject) => {
      holder.once('error', reject).once('exit', () => reject(new Error(`no lock on ${file}`)));
      holder.stdout.once('data', resolve);
    });
    clearTimeout(hint);
    return await work();
  } finally {
    clearTimeout(hint);
    holder.stdin.end();
  }
}
