// A subprocess runner on a temporary state directory, and questions about its children.
import { readFileSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobSpecInput } from '../../../src/core/spec/job-spec.ts';
import type { Run } from '../../../src/core/run.ts';
import { makeFifos } from '../../../src/runners/subprocess/output/fifo-pool.ts';
import { readStatus } from '../../../src/runners/subprocess/run-files.ts';
import {
  SubprocessRunner,
  type SubprocessRunnerOptions,
} from '../../../src/runners/subprocess/subprocess-runner.ts';
import { aUniqueJob, aRunOf } from '../builders.ts';
import { endOf } from './run-output.ts';
import { tempDir } from '../temp-dir.ts';

type Options = Partial<SubprocessRunnerOptions>;

/** The state directory of one test, and its runners. */
export class RunnerHome {
  readonly #runners: SubprocessRunner[] = [];
  readonly path = tempDir();
  readonly stateDir = join(this.path, 'state');

  async runner(options: Options = {}, recovered: Run[] = []): Promise<SubprocessRunner> {
    const runner = new SubprocessRunner({
      stateDir: this.stateDir,
      inherit: { PATH: process.env['PATH']!, HOME: this.path },
      check: () => undefined,
      maxConcurrentRuns: 100,
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

  /** The pid of the wrapper, as the run's status file has it. */
  wrapperOf(run: Run): number {
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
