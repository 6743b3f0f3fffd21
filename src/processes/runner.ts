// The process of `lsh runner`: executes shell runs in the operator’s pod, in a container without the API token. It has
// no jobs and no ledger; the controller sends the runs.
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfig, type Config } from '../config.ts';
import { EXIT, LshError, type ExitStatus } from '../core/errors.ts';
import { ensureDirectories, localPaths, requireSocketPath, requireWritable } from '../local/paths.ts';
import { openLog, type Log } from '../telemetry/log.ts';
import { readRemoteLog, type LogOptions } from '../runners/remote/remote-log.ts';
import { RunnerServer } from '../runners/remote/runner-server.ts';
import { mountedSecrets } from '../runners/subprocess/command/mounted-secrets.ts';
import { forkServerProgram } from '../runners/subprocess/launch/fork-server.ts';
import { SubprocessRunner } from '../runners/subprocess/subprocess-runner.ts';
import { VERSION } from '../version.ts';
import { commandRefusal } from './command-policy.ts';
import { commandSettings } from './command-settings.ts';
import { standInCommand, withLauncher } from './launcher.ts';
import { awaitStop, serveUntilShutdown, type Shutdown } from './life.ts';
import { acquireLocks } from './locks.ts';
import { runnerSocket } from './runner-socket.ts';
import { requireNoToken } from './service-account.ts';

/** How long the stop may take beyond the time that the children get, milliseconds. */
const STOP_MARGIN_MS = 5_000;
/** setgid: the socket gets the group of its directory, whose members may connect. */
const GROUP_DIRECTORY = 0o2770;

interface RunnerPaths {
  stateDir: string;
  socket: string;
}

/** Runs until a shutdown. Throws if it cannot start, and on an uncaught exception. */
export async function runRunner(config: Config = loadConfig()): Promise<ExitStatus> {
  requireNoToken();
  const paths = prepare(config);
  const locks = acquireLocks(
    [join(paths.stateDir, 'lock'), `${paths.socket}.lock`],
    (path) => new LshError('RUNNER_ALREADY_RUNNING', { path }),
  );
  const log = openLog({ level: config.logLevel });
  try {
    return await serveUntilShutdown('runner', log, (shutdown) => serve({ config, paths, log }, shutdown));
  } finally {
    log.close();
    for (const lock of locks) lock.release();
  }
}

/** The output of a run, `namespace/name`, with `follow` until it has ended. Rejects with RUNNER_UNREACHABLE. */
export function runnerLog(run: string, options: LogOptions): AsyncGenerator<Uint8Array> {
  const config = loadConfig();
  return readRemoteLog(runnerSocket(socketOf(config)), run.replace('/', '.'), options);
}

function socketOf(config: Config): string {
  return config.runnerSocket ?? join(localPaths(config).runtimeDir, 'runner.sock');
}

/** The state has a directory of its own: the daemon’s has files of the same names. */
function prepare(config: Config): RunnerPaths {
  const local = localPaths(config);
  const stateDir = join(local.stateDir, 'runner');
  const socket = socketOf(config);
  requireSocketPath(socket);
  ensureDirectories({ stateDir, runtimeDir: dirname(socket) });
  requireWritable(stateDir);
  if (config.runnerGroupAccess) chmodSync(dirname(socket), GROUP_DIRECTORY);
  return { stateDir, socket };
}

interface Life {
  config: Config;
  paths: RunnerPaths;
  log: Log;
}

async function serve({ config, paths, log }: Life, shutdown: Shutdown): Promise<ExitStatus> {
  const runner = createRunner(config, paths);
  const server = new RunnerServer({
    socketPath: paths.socket,
    groupAccess: config.runnerGroupAccess,
    runner,
    leaseDurationMs: config.runnerLeaseMs,
    graceMs: config.runnerGraceMs,
    log: log.component('server'),
  });
  await server.listen();
  warn(config, log);
  log.info({ version: VERSION, socket: paths.socket }, 'runner started');
  const by = await shutdown.promise;
  log.info({ by }, 'runner stopping');
  const childrenMs = config.runnerLeaseMs + config.runnerGraceMs;
  await awaitStop(server.stop(), childrenMs + STOP_MARGIN_MS, log);
  await runner.close();
  log.info({}, 'runner stopped');
  return EXIT.ok;
}

function createRunner(config: Config, { stateDir }: RunnerPaths): SubprocessRunner {
  const settings = commandSettings(config);
  return new SubprocessRunner({
    stateDir,
    inherit: withLauncher(config.inherited),
    secrets: config.inheritedSecrets,
    ...(config.deliveredSecrets !== undefined && { secretSource: mountedSecrets(config.deliveredSecrets) }),
    check: commandRefusal(settings),
    maxConcurrentRuns: config.maxConcurrentRuns,
    maxOutputBytes: config.maxOutputBytes,
    standIn: standInCommand(stateDir),
    forkServer: forkServerProgram(),
  });
}

function warn(config: Config, log: Log): void {
  for (const warning of config.warnings) log.warn({}, warning);
  // Orphaned processes become children of process 1, and Node reaps only children that it started.
  if (process.pid === 1) {
    log.warn({}, 'the runner is process 1, so zombies will add up: start it under an init such as tini');
  }
}
