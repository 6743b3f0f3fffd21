// `npm run demo`: starts a detached daemon in a fresh home, runs a cron job on time and shows its history.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LSH = join(import.meta.dirname, '../dist/lsh.js');
const home = mkdtempSync(join(tmpdir(), 'lsh-demo-'));
const env = {
  ...process.env,
  HOME: home,
  XDG_STATE_HOME: join(home, 'state'),
  XDG_RUNTIME_DIR: join(home, 'run'),
  XDG_CACHE_HOME: join(home, 'cache'),
};

function lsh(...args: string[]): void {
  console.log(
    `\n$ lsh ${args.map((arg) => (/[^\w@%:,./=-]/.test(arg) ? JSON.stringify(arg) : arg)).join(' ')}`,
  );
  const { status } = spawnSync(process.execPath, [LSH, ...args], { env, stdio: 'inherit' });
  if (status !== 0) throw new Error(`lsh ${args.join(' ')} ended with ${status}`);
}

/** Waits until the job has completed three runs. */
function waitForRun(name: string): void {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const { stdout } = spawnSync(process.execPath, [LSH, 'cron', 'get', name, '-o', 'json'], {
      env,
      encoding: 'utf8',
    });
    const { status } = JSON.parse(stdout) as { status?: { totals: { completed: number } } };
    if ((status?.totals.completed ?? 0) >= 3) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  }
  throw new Error(`job ${name} did not run within 30 s`);
}

try {
  lsh('daemon', 'start');
  lsh(
    'cron',
    'add',
    '--name',
    'hello',
    '--schedule',
    '*/2 * * * * *',
    '--command',
    'echo "hello at $(date +%T), slot $LSH_SLOT"',
  );
  lsh('cron', 'add', '--name', 'weekly', '--schedule', '0 2 * * 0', '--command', 'echo sunday');
  lsh('cron', 'list');
  console.log('\n(three runs of "hello" are waited for)');
  waitForRun('hello');
  lsh('cron', 'history', 'hello');
  lsh('cron', 'logs', 'hello');
  lsh('cron', 'report', '--all');
} finally {
  lsh('daemon', 'stop');
  rmSync(home, { recursive: true, force: true });
}
