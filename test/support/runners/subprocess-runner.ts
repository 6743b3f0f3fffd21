// A subprocess runner on a temporary state directory, and questions about its children.
import { readFileSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { Run } from '../../../src/core/run.ts';
import { makeFifos } from '../../../src/runners/subprocess/output/fifo-pool.ts';
import { forkServerProgram } from '../../../src/runners/subprocess/launch/fork-server.ts';
import { readStatus } from '../../../src/runners/subprocess/run-files.ts';
import {
  SubprocessRunner,
  type SubprocessRunnerOptions,
} from '../../../src/runners/subprocess/subprocess-runner.ts';
import { aUniqueJob, aRunOf } from '../builders.ts';
import { endOf } from './run-output.ts';
import { BUNDLE } from '../daemon/bundle.ts';
import { tempDir } from '../temp-dir.ts';

type Options = Partial<SubprocessRunnerOptions>;

/** The fork server of the program under test; null where it has none. */
export const FORK_SERVER = forkServerProgram(dirname(BUNDLE)) ?? null;

/** What starts commands, by its name; the fork server is for Linux. */
export const LAUNCHERS = [
  ['the fork server', FORK_SERVER],
  ['a shell for each command', null],
] as const;

/** The state directory of one test, and its runners. */
export class RunnerHome {
  readonly #runners: SubprocessRunner[] = [];
  readonly #forkServer: string | null;
  readonly path = tempDir();
  readonly stateDir = join(this.path, 'state');

  constructor(forkServer: string | null = FORK_SERVER) {
    this.#forkServer = forkServer;
  }

  async runner(options: Options = {}, recovered: Run[] = []): Promise<SubprocessRunner> {
    const runner = new SubprocessRunner({
      stateDir: this.stateDir,
      inherit: { PATH: process.env['PATH']!, HOME: this.path },
      check: () => undefined,
      maxConcurrentRuns: 100,
      forkServer: this.#forkServer ?? undefined,
      ...options,
    });
    this.#runners.push(runner);
    await runner.recover(recovered);
    return runner;
  }

  /** A FIFO on which a command waits (`cat gate`) until open() is called for it. */
  async gate(name: string): Promise<{ path: string; open: () => Promise<void> }> {
    const path = join(this.path, name);
    await makeFifos([path], process.env['PATH']!);
    return { path, open: () => writeFile(path, '') };
  }

  startDirectoryOf({ name }: Run): string {
    const runs = join(this.stateDir, 'runs');
    const entry = readdirSync(runs).find((candidate) => candidate.startsWith(`${name}~`));
    if (entry === undefined) throw new Error(`run ${name} has no start directory`);
    return join(runs, entry);
  }

  /** The leader of the run's process group: the pid of its claim in the status file. */
  leaderOf(run: Run): number {
    const status = readStatus(this.startDirectoryOf(run));
    if (status.claim !== 'Pid') throw new Error(`run ${run.name} has no claim`);
    return status.pid;
  }

  async close(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.close()));
  }
}

/** Starts a run of a fresh job; `end` resolves with the observation of its end. */
export async function startRun(runner: SubprocessRunner, spec: JobSpecInput) {
  const job = aUniqueJob(spec);
  const run = aRunOf(job);
  const end = endOf(runner, run);
  await runner.start(job, run);
  return { job, run, end };
}

export function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** Pids of living processes with the run's name in their environment. */
export function processesOf(run: Run): number[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.filter((pid) => environmentOf(pid).includes(`LSH_RUN=${run.name}`)).map(Number);
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
