// The process of `lsh daemon run`: one per state directory and per socket. It returns or throws; cli/main ends the
// process.
import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { loadConfig, type Config } from '../../config.ts';
import { EXIT, LshError, toLshError, type ExitStatus } from '../../core/errors.ts';
import { ensureDirectories, localPaths, requireWritable, type LocalPaths } from '../../local/paths.ts';
import { tellParent } from '../../local/lifecycle/spawn-daemon.ts';
import { openLog, type Log } from '../../telemetry/log.ts';
import { VERSION } from '../../version.ts';
import { LocalScheduler } from './local-scheduler.ts';
import { notifyReady } from './notify-ready.ts';
import { acquireLocks } from '../locks.ts';
import { awaitStop, serveUntilShutdown, type Shutdown } from '../life.ts';

/** Longest wait for a stop, milliseconds. Skipping the rest is safe: every acknowledged change is on disk. */
const DRAIN_TIMEOUT_MS = 20_000;
/** The end of a crash report says why; the rest would fill the log. */
const STDERR_MAX_CHARACTERS = 64 * 1024;

/** Runs until a shutdown. Throws if it cannot start, and on an uncaught exception. */
export async function runDaemon(config: Config = loadConfig()): Promise<ExitStatus> {
  try {
    const paths = localPaths(config);
    ensureDirectories(paths);
    requireWritable(paths.stateDir);
    // Two locks: a logout empties the directory of the socket, and a second daemon would then run every job twice.
    const locks = acquireLocks(paths.locks, () => new LshError('DAEMON_ALREADY_RUNNING', { detail: '' }));
    const log = openDaemonLog(config, paths);
    try {
      return await serveUntilShutdown('daemon', log, (shutdown) => serve({ config, paths, log }, shutdown));
    } finally {
      log.close();
      for (const lock of locks) lock.release();
    }
  } catch (thrown) {
    const error = toLshError(thrown);
    await tellParent(error);
    throw error;
  }
}

/** A daemon in the background logs to its file, because its parent reads no output. */
function openDaemonLog({ logLevel }: Config, paths: LocalPaths): Log {
  const path = process.connected ? paths.log : undefined;
  const log = openLog({ level: logLevel, ...(path !== undefined && { path }) });
  if (path !== undefined) logEarlierStderr(log, paths.stderr);
  return log;
}

/** Moves the last words of an earlier daemon that crashed, such as V8's on memory, into the log: it holds JSON only. */
function logEarlierStderr(log: Log, path: string): void {
  if (!existsSync(path)) return;
  const text = readFileSync(path, 'utf8').slice(-STDERR_MAX_CHARACTERS);
  if (text.trim() === '') return;
  log.error({ stderr: text }, 'an earlier daemon ended with this on stderr');
  truncateSync(path);
}

interface Life {
  config: Config;
  paths: LocalPaths;
  log: Log;
}

async function serve(life: Life, shutdown: Shutdown): Promise<ExitStatus> {
  const { config, paths, log } = life;
  const scheduler = new LocalScheduler({ ...life, shutdown: () => shutdown.resolve('a request') });
  await scheduler.start();
  for (const warning of config.warnings) log.warn({}, warning);
  const startMs = Math.round(process.uptime() * 1000);
  log.info({ version: VERSION, socket: paths.socket, startMs }, 'daemon started');
  await tellParent('ready');
  void notifyReady(config.notifySocket, log);
  const by = await shutdown.promise;
  log.info({ by }, 'daemon stopping');
  await awaitStop(scheduler.stop(), DRAIN_TIMEOUT_MS, log);
  log.info({}, 'daemon stopped');
  return EXIT.ok;
}
