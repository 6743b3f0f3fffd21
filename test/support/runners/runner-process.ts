// A real `lsh runner` process in a temporary directory, and controllers that connect to it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/control/clock.ts';
import type { Logger } from '../../../src/control/ports.ts';
import type { Job } from '../../../src/core/job.ts';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { Run } from '../../../src/core/run.ts';
import { makeFifos } from '../../../src/runners/subprocess/output/fifo-pool.ts';
import { RemoteRunner, type RemoteRunnerOptions } from '../../../src/runners/remote/remote-runner.ts';
import { BUNDLE } from '../daemon/bundle.ts';
import { aUniqueJob, aRunOf } from '../builders.ts';
import { eventually } from '../eventually.ts';
import { processesWith } from '../side-effects.ts';
import { endOf } from './run-output.ts';

export const HOST = 'pod-a';

export const quietLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export class RunnerWorld {
  /** HOME of the runner and of its children. */
  readonly path = mkdtempSync(join(tmpdir(), 'lsh-test-'));
  readonly socketPath = join(this.path, 'run/runner.sock');
  readonly stateDir = join(this.path, 'state/runner');
  readonly #controllers: RemoteRunner[] = [];
  process: ChildProcess | undefined;
  output = '';

  /** Starts the process and resolves when it listens. */
  async startRunner(env: Record<string, string> = {}): Promise<ChildProcess> {
    const child = this.spawnRunner(env);
    this.process = child;
    this.output = '';
    await this.said('"runner started"');
    return child;
  }

  spawnRunner(env: Record<string, string> = {}): ChildProcess {
    const child = spawn(process.execPath, [BUNDLE, 'runner'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: this.path,
        LSH_STATE_DIR: join(this.path, 'state'),
        LSH_RUNNER_SOCKET: this.socketPath,
        ...env,
      },
    });
    child.stdout.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    return child;
  }

  /** Forgets earlier lines, such as of a short lease that ran out before the first controller came. */
  forgetOutput(): void {
    this.output = '';
  }

  /** Resolves when the current process has printed the text. */
  async said(text: string): Promise<void> {
    const child = this.process!;
    while (!this.output.includes(text)) {
      const ended = once(child, 'close').then(() => 'ended');
      const said = Promise.race([once(child.stdout!, 'data'), once(child.stderr!, 'data'), ended]);
      if ((await said) === 'ended' && !this.output.includes(text)) throw new Error(`runner: ${this.output}`);
    }
  }

  async killRunner(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.process!;
    this.process = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** A controller that takes over with the runs of the ledger; does not wait for its connection. */
  controller(runs: Run[] = [], options: Partial<RemoteRunnerOptions> = {}): RemoteRunner {
    const controller = new RemoteRunner({
      socketPath: this.socketPath,
      host: HOST,
      clock: systemClock,
      leaseDurationMs: 15_000,
      graceMs: 1000,
      log: quietLogger,
      ...options,
    });
    this.#controllers.push(controller);
    controller.recover(runs);
    return controller;
  }

  /** The same, once it is connected. */
  async connected(runs: Run[] = [], options: Partial<RemoteRunnerOptions> = {}): Promise<RemoteRunner> {
    const controller = this.controller(runs, options);
    await isConnected(controller);
    return controller;
  }

  /** A FIFO on which a command waits (`cat gate`) until open() is called for it. */
  async gate(name: string): Promise<{ path: string; open: () => Promise<void> }> {
    const path = join(this.path, name);
    await makeFifos([path], process.env['PATH']!);
    return { path, open: () => writeFile(path, '') };
  }

  /** Lines of a file that commands append to. */
  lines(name: string): string[] {
    const path = join(this.path, name);
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  /** Pids of living children, also of an earlier runner. */
  children(): number[] {
    const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
    return pids.filter((pid) => isChild(environmentOf(pid), this.path)).map(Number);
  }

  async close(): Promise<void> {
    await Promise.all(this.#controllers.map((controller) => controller.close()));
    if (this.process) await this.killRunner();
    for (const pid of this.children()) process.kill(pid, 'SIGKILL');
    // The stand-in of a killed runner ends with the last child.
    await eventually(() => processesWith(`HOME=${this.path}`).length === 0, {
      what: `the end of all in ${this.path}`,
    });
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

function isChild(environment: string[], home: string): boolean {
  return environment.includes(`HOME=${home}`) && environment.some((entry) => entry.startsWith('LSH_RUN='));
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Resolves when the controller is connected and has capacity. */
export function isConnected(controller: RemoteRunner): Promise<void> {
  return new Promise((resolve) => {
    controller.onChange((key) => {
      if (key === 'local/anybody') resolve();
    });
    controller.observe('local/anybody');
    if (controller.capacity() > 0) resolve();
  });
}

/** Starts a run of a fresh job; `end` resolves with the observation of its end. */
export async function startRemote(
  controller: RemoteRunner,
  spec: JobSpecInput,
  change: (job: Job) => void = () => {},
) {
  const job = aUniqueJob(spec);
  change(job);
  const run = aRunOf(job, { host: HOST });
  const end = endOf(controller, run);
  await controller.start(job, run);
  return { job, run, end };
}

/** Resolves when the run is observed in the state. */
export function seen(controller: RemoteRunner, run: Run, state: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (controller.observe(run.job).some((one) => one.name === run.name && one.state === state)) resolve();
    };
    controller.onChange(look);
    look();
  });
}
