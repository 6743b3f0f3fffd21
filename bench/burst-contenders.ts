// The programs of the burst: the daemon of lsh, supercronic, and Debian's cron. Each runs the same command, which appends
// the time of its start to a file.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { daemonClient } from '../src/local/socket/client.ts';
import { childrenOf, newHome } from './lsh-process.ts';

const PERIOD_MS = 3_000;
const MINUTE_MS = 60_000;

export interface Contender {
  name: string;
  /** Time between two slots. */
  periodMs: number;
  /** Holds the file `starts`. */
  directory: string;
  /** Starts the program, if it does not run yet, with every job due at each slot of [from, until). */
  run(from: number, until: number): Promise<Running>;
  dispose(): void;
}

export interface Running {
  pid: number;
  /** How many commands run now. */
  active(): number | Promise<number>;
  end(): Promise<void>;
}

function newDirectory(): { directory: string; starts: string; dispose: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'lsh-burst-'));
  const starts = join(directory, 'starts');
  writeFileSync(starts, '');
  return { directory, starts, dispose: () => rmSync(directory, { recursive: true, force: true }) };
}

export function lshDaemon(jobs: number): Contender {
  const { directory, starts, dispose } = newDirectory();
  const home = newHome();
  home.lsh('daemon', 'start');
  const facts = JSON.parse(home.lsh('daemon', 'status', '-o', 'json')) as { pid: number; socketPath: string };
  const client = daemonClient(facts.socketPath, { version: 'bench' });
  return {
    name: 'lsh',
    periodMs: PERIOD_MS,
    directory,
    async run(from, until) {
      const spec = {
        schedule: '*/3 * * * * *',
        command: `date +%s.%N >> ${starts}`,
        timeZone: 'UTC',
        notBefore: new Date(from).toISOString(),
        notAfter: new Date(until - 1).toISOString(),
      };
      const documents = Array.from({ length: jobs }, (_, index) =>
        JSON.stringify({
          apiVersion: 'lsh.dev/v1alpha1',
          kind: 'LshJob',
          metadata: { name: `burst-${index}` },
          spec,
        }),
      );
      home.apply(documents.join('\n---\n'));
      return {
        pid: facts.pid,
        active: async () => (await client.status({})).activeRuns,
        end: () => Promise.resolve(),
      };
    },
    dispose() {
      home.dispose();
      dispose();
    },
  };
}

/** Undefined if the program is neither at LSH_BENCH_SUPERCRONIC nor on PATH. */
export function supercronic(jobs: number): Contender | undefined {
  const program = process.env['LSH_BENCH_SUPERCRONIC'] ?? onPath('supercronic');
  if (program === undefined) return undefined;
  const { directory, starts, dispose } = newDirectory();
  const crontab = join(directory, 'crontab');
  writeFileSync(crontab, `*/3 * * * * * * date +%s.%N >> ${starts}\n`.repeat(jobs));
  return {
    name: 'supercronic',
    periodMs: PERIOD_MS,
    directory,
    // Started just before its first slot: it has no way to begin later.
    async run(from) {
      await wait(from - PERIOD_MS / 2 - Date.now());
      return running(spawn(program, [crontab], { stdio: 'ignore' }));
    },
    dispose,
  };
}

/** Cron reads fixed places as root, so it gets a mount namespace with its own. Undefined without root or cron. */
export function debianCron(jobs: number): Contender | undefined {
  const program = onPath('cron');
  const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
  if (program === undefined || !mayMount) return undefined;
  const { directory, starts, dispose } = newDirectory();
  const crontab = join(directory, 'crontab');
  const line = `* * * * * date +\\%s.\\%N >> ${starts}\n`;
  writeFileSync(crontab, `MAILTO=""\n${line.repeat(jobs)}`, { mode: 0o600 });
  const places = ['/etc/cron.d', '/run', '/var/spool/cron'].map((place) => `mount -t tmpfs tmpfs ${place}`);
  const script = `set -e
    ${places.join('\n')}
    mkdir /var/spool/cron/crontabs
    cp "$1" /var/spool/cron/crontabs/root
    mount --bind /dev/null /etc/crontab
    exec "$2" -f`;
  return {
    name: 'cron',
    periodMs: MINUTE_MS,
    directory,
    run: () =>
      Promise.resolve(
        running(
          spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', crontab, program], { stdio: 'ignore' }),
        ),
      ),
    dispose,
  };
}

function running(child: ChildProcess): Running {
  const ended = once(child, 'exit');
  return {
    pid: child.pid!,
    active: () => childrenOf(child.pid!).length,
    async end() {
      child.kill();
      await ended;
    },
  };
}

function onPath(program: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
