// Lets one subprocess runner serve several namespaces: run names are unique within a namespace only, so it prefixes
// them with the namespace.
import type { Runner } from '../../control/ports.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { Run, RunObservation, StartingRun, StopCause } from '../../core/run.ts';
import { wireNameOf } from './remote-runs.ts';
import { SHELL_TRAITS } from '../shell-traits.ts';
import type { SubprocessRunner } from '../subprocess/subprocess-runner.ts';

export class NamespacedRunner implements Runner {
  readonly traits = SHELL_TRAITS;
  readonly #runner: SubprocessRunner;

  constructor(runner: SubprocessRunner) {
    this.#runner = runner;
  }

  /** Recovers this host's shell runs in the ledger, and removes the logs of all others. */
  async recover(runs: readonly Run[]): Promise<void> {
    const named = runs.map((run) => ({ ...run, name: wireNameOf(run.job, run.name) }));
    await this.#runner.recover(named.filter(({ phase }) => phase === 'Running'));
    this.#runner.keepLogs(named.map(({ name }) => name));
  }

  capacity(): number {
    return this.#runner.capacity();
  }

  onChange(listener: (key: JobKey) => void): void {
    this.#runner.onChange(listener);
  }

  observe(key: JobKey): RunObservation[] {
    const { length } = wireNameOf(key, '');
    const observations = this.#runner.observe(key);
    return observations.map((observation) => ({ ...observation, name: observation.name.slice(length) }));
  }

  async start(job: Job, run: StartingRun): Promise<void> {
    await this.#runner.start(job, { ...run, name: wireNameOf(run.job, run.name) });
  }

  stop(name: string, cause: StopCause, graceMs: number, key: JobKey): void {
    this.#runner.stop(wireNameOf(key, name), cause, graceMs);
  }

  release(name: string, key: JobKey): void {
    this.#runner.release(wireNameOf(key, name));
  }

  remove(name: string, key: JobKey): void {
    this.#runner.removeLog(wireNameOf(key, name));
  }

  /** Leaves the children to the next process. */
  async close(): Promise<void> {
    await this.#runner.close();
  }
}
