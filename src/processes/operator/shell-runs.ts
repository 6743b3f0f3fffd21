// Where the operator executes shell runs, by its configuration: not at all, in `lsh runner`, or in its own process.
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import type { Logger, OutputReader, Runner } from '../../control/ports.ts';
import type { KeptOutput } from '../../core/record/output-chunks.ts';
import type { Run } from '../../core/run.ts';
import { localPaths } from '../../local/paths.ts';
import { keptEnds } from '../../runners/kept-ends.ts';
import { NamespacedRunner } from '../../runners/remote/namespaced-runner.ts';
import { RemoteRunner } from '../../runners/remote/remote-runner.ts';
import { wireNameOf } from '../../runners/remote/remote-runs.ts';
import type { RunnerSocket } from '../../runners/remote/runner-link.ts';
import { forkServerProgram } from '../../runners/subprocess/launch/fork-server.ts';
import { SubprocessRunner } from '../../runners/subprocess/subprocess-runner.ts';
import { commandRefusal } from '../command-policy.ts';
import { commandSettings } from '../command-settings.ts';
import { withLauncher } from '../launcher.ts';
import { runnerSocket } from '../runner-socket.ts';
import { requireNoToken } from '../service-account.ts';

/** How long the log of one run may take, milliseconds. */
const LOG_TIMEOUT_MS = 20_000;

export interface ShellRuns {
  runner: Runner;
  /** Called before the first evaluation with every shell run that the ledger shows. */
  recover(runs: readonly Run[]): void | Promise<void>;
  /** The kept output of a shell run of this host. */
  outputOf: OutputReader;
  close(): Promise<void>;
}

export interface ShellOptions {
  config: Config;
  /** Host of runs that start now. */
  host: string;
  /** Increases with each change of leader. */
  term: number;
  /** Whether another host has ended, and with it all its runs. */
  isHostGone: (host: string) => Promise<boolean>;
  log: Logger;
}

/** Throws RUNNER_HAS_TOKEN if commands would run beside the operator’s token, unless the configuration forces it. */
export function checkShellMode({ shellMode, shellForce }: Config): void {
  if (shellMode === 'in-process' && !shellForce) requireNoToken();
}

/** Returns undefined if shell runs are off. */
export function shellRuns(options: ShellOptions): ShellRuns | undefined {
  if (options.config.shellMode === 'off') return undefined;
  const socket = runnerSocketOf(options.config);
  return socket === undefined ? inProcess(options) : remote(options, socket);
}

/** The socket of `lsh runner`; undefined if it executes no shell runs. */
export function runnerSocketOf({ shellMode }: Config): RunnerSocket | undefined {
  return shellMode === 'off' || shellMode === 'in-process' ? undefined : runnerSocket(shellMode);
}

function inProcess({ config, host }: ShellOptions): ShellRuns {
  const settings = commandSettings(config);
  const subprocesses = new SubprocessRunner({
    stateDir: join(localPaths(config).stateDir, 'controller'),
    inherit: withLauncher(config.inherited),
    secrets: config.inheritedSecrets,
    check: commandRefusal(settings),
    maxConcurrentRuns: config.maxConcurrentRuns,
    maxOutputBytes: config.maxOutputBytes,
    forkServer: forkServerProgram(),
  });
  const runner = new NamespacedRunner(subprocesses);
  return {
    runner,
    // Only runs of this host: the runner would report any other run as never started, and it would run twice.
    recover: (runs) => runner.recover(runs.filter((run) => run.host === host)),
    outputOf: async ({ job, name }, maxBytes) => subprocesses.keptOutput(wireNameOf(job, name), maxBytes),
    close: () => runner.close(),
  };
}

function remote({ config, host, term, isHostGone, log }: ShellOptions, socket: RunnerSocket): ShellRuns {
  const runner = new RemoteRunner({
    ...socket,
    host,
    term,
    clock: systemClock,
    leaseDurationMs: config.runnerLeaseMs,
    graceMs: config.runnerGraceMs,
    isHostGone,
    onSuperseded: () => log.warn({}, 'another controller has taken over the shell runs'),
    log,
  });
  return {
    runner,
    recover: (runs) => runner.recover(runs),
    outputOf: (run, maxBytes) => remoteOutput(runner, run, maxBytes, log),
    close: () => runner.close(),
  };
}

/** Another host, and a runner that does not answer, cost the history the log; the record has its end. */
async function remoteOutput(
  runner: RemoteRunner,
  { job, name }: Run,
  maxBytes: number,
  log: Logger,
): Promise<KeptOutput | undefined> {
  const signal = AbortSignal.timeout(LOG_TIMEOUT_MS);
  try {
    const kept = await keptEnds(runner.log(name, job, { signal }), maxBytes);
    signal.throwIfAborted();
    return kept;
  } catch (err) {
    log.warn({ job, run: name, err }, 'the output of a run was not read for the team’s history');
    return undefined;
  }
}
