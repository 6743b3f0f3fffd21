// The process of `lsh daemon run`: one per state directory and per socket, from its locks to its last signal.
// It never ends the process itself; it returns, or throws, and cli/main does.
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
import { serveUntilShutdown, within, type Shutdown } from '../life.ts';

/** A drain that takes longer is given up: everything acknowledged is on disk at any moment. */
const DRAIN_TIMEOUT_MS = 20_000;
/** The end of a crash report says why; the rest would fill the log. */
const STDERR_MAX_CHARACTERS = 64 * 1024;

/** Runs until it is told to end and has; throws what kept it from starting, or what broke it. */
export async function runDaemon(config: Config = loadConfig()): Promise<ExitStatus> {
  try {
    const paths = localPaths(config);
    ensureDirectories(paths);
    requireWritable(paths.stateDir);
    // Two, because a socket alone is not enough: its directory is emptied when the user logs out, and a second
    // daemon would then run every job twice.
    const locks = acquireLocks(paths.locks, () => new LshError('DAEMON_ALREADY_RUNNING', { detail: '' }));
    const log = openDaemonLog(config, paths);
    try {
      return await serveUntilShutdown('daemon', log, (told) => serve({ config, paths, log }, told));
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

/** Whoever started this one in the background reads no output, so its log is the file. */
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

async function serve(life: Life, told: Shutdown): Promise<ExitStatus> {
  const { config, paths, log } = life;
  const scheduler = new LocalScheduler({ ...life, shutdown: () => told.resolve('a request') });
  await scheduler.start();
  for (const warning of config.warnings) log.warn({}, warning);
  const startMs = Math.round(performance.now());
  log.info({ version: VERSION, socket: paths.socket, startMs }, 'daemon started');
  await tellParent('ready');
  void notifyReady(config.notifySocket, log);
  const by = await told.promise;
  log.info({ by }, 'daemon stopping');
  await within(scheduler.stop(), DRAIN_TIMEOUT_MS, log);
  log.info({}, 'daemon stopped');
  return EXIT.ok;
}
