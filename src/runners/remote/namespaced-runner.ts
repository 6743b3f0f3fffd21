// A subprocess runner that serves several namespaces: names of runs are unique within one, and the runner below knows
// them by a name that has the namespace before it.
import type { Runner } from '../../control/ports.ts';
import type { Job, JobKey } from '../../core/job.ts';
import type { Run, RunObservation, StopCause } from '../../core/run.ts';
import { wireNameOf } from './remote-runs.ts';
import { SHELL_TRAITS } from '../shell-traits.ts';
import type { SubprocessRunner } from '../subprocess/subprocess-runner.ts';

export class NamespacedRunner implements Runner {
  readonly traits = SHELL_TRAITS;
  readonly #runner: SubprocessRunner;

  constructor(runner: SubprocessRunner) {
    this.#runner = runner;
  }

  /** Makes the runner ready, with all shell runs of this place that the ledger shows: the logs of others go. */
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
    return this.#runner.observe(key).map((seen) => ({ ...seen, name: seen.name.slice(length) }));
  }

  async start(job: Job, run: Run): Promise<void> {
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

  /** Leaves the children to the next one. */
  async close(): Promise<void> {
    await this.#runner.close();
  }
}
