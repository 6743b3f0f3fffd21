// The process of `lsh runner`: the shell runs of an operator’s pod, in a container without the API token. It has
// no jobs and no ledger; a controller that connects brings them.
import { chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfig, type Config } from '../config.ts';
import { EXIT, LshError, type ExitStatus } from '../core/errors.ts';
import { ensureDirectories, localPaths, requireSocketPath, requireWritable } from '../local/paths.ts';
import { openLog, type Log } from '../telemetry/log.ts';
import { RunnerServer } from '../runners/remote/runner-server.ts';
import { SubprocessRunner } from '../runners/subprocess/subprocess-runner.ts';
import { VERSION } from '../version.ts';
import { commandPolicy, refusal } from './command-policy.ts';
import { withLauncher } from './launcher.ts';
import { serveUntilShutdown, within, type Shutdown } from './life.ts';
import { acquireLocks } from './locks.ts';
import { requireNoToken } from './service-account.ts';

/** Beyond the grace of the children, until the process goes anyway. */
const STOP_MARGIN_MS = 5_000;
/** New files keep the group of the directory, which is the one that may connect. */
const GROUP_DIRECTORY = 0o2770;

interface RunnerPaths {
  stateDir: string;
  socket: string;
}

/** Runs until it is told to end and has; throws what kept it from starting, or what broke it. */
export async function runRunner(config: Config = loadConfig()): Promise<ExitStatus> {
  requireNoToken();
  const paths = prepare(config);
  const locks = acquireLocks(
    [join(paths.stateDir, 'lock'), `${paths.socket}.lock`],
    (path) => new LshError('RUNNER_ALREADY_RUNNING', { path }),
  );
  const log = openLog({ level: config.logLevel });
  try {
    return await serveUntilShutdown('runner', log, (told) => serve({ config, paths, log }, told));
  } finally {
    log.close();
    for (const lock of locks) lock.release();
  }
}

/** The state is beside a daemon’s and not within: the two keep the same kinds of files. */
function prepare(config: Config): RunnerPaths {
  const local = localPaths(config);
  const stateDir = join(local.stateDir, 'runner');
  const { runnerSocket: socket = join(local.runtimeDir, 'runner.sock') } = config;
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

async function serve({ config, paths, log }: Life, told: Shutdown): Promise<ExitStatus> {
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
  const by = await told.promise;
  log.info({ by }, 'runner stopping');
  await within(server.stop(), config.runnerGraceMs + STOP_MARGIN_MS, log);
  await runner.close();
  log.info({}, 'runner stopped');
  return EXIT.ok;
}

function createRunner(config: Config, { stateDir }: RunnerPaths): SubprocessRunner {
  const policy = commandPolicy(config);
  return new SubprocessRunner({
    stateDir,
    inherit: withLauncher(config.inherited),
    secrets: config.inheritedSecrets,
    check: (spec) => refusal(spec, policy),
    maxConcurrentRuns: config.maxConcurrentRuns,
    maxOutputBytes: config.maxOutputBytes,
  });
}

function warn(config: Config, log: Log): void {
  for (const warning of config.warnings) log.warn({}, warning);
  // Processes that outlive their parent become children of process 1, and Node waits for none but its own.
  if (process.pid === 1) {
    log.warn({}, 'the runner is process 1, so zombies will add up: start it under an init such as tini');
  }
}
