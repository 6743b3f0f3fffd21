// What a controller knows of the runs of its own host, and how far that has been told over the present connection.
import { splitKey, type JobKey } from '../../core/job.ts';
import type { Run, RunObservation, StopCause } from '../../core/run.ts';
import type { ClaimedRun } from '../subprocess/known-runs.ts';
import { RunIndex } from '../run-index.ts';

interface RemoteRun {
  readonly key: JobKey;
  observation: RunObservation;
  /** What the runner of the present connection has said about it: nothing yet, or nothing although asked. */
  standing: 'unasked' | 'asked' | 'told';
  /** What the ledger knew of a stop when it was taken over; the loop says it again. */
  stopCause?: StopCause | undefined;
  /** What the loop has said, kept for a runner that has not heard it. */
  stop?: Stop;
}

interface Stop {
  cause: StopCause;
  /** Milliseconds. */
  graceMs: number;
}

/** Names of runs are unique within a namespace, and the runner serves several; a namespace has no dot. */
export function wireNameOf(key: JobKey, name: string): string {
  return `${splitKey(key).namespace}.${name}`;
}

/** By their names on the wire; observed under their own. */
export class RemoteRuns extends RunIndex<RemoteRun> {
  /** Takes the ledger’s word for runs until the runner can be asked. */
  hold(runs: readonly Run[]): void {
    for (const { name, job: key, createdAt, startedAt = createdAt, stopCause } of runs) {
      this.add(wireNameOf(key, name), {
        key,
        observation: { name, state: 'Running', startedAt },
        standing: 'unasked',
        stopCause,
      });
    }
  }

  /** The runs whose fate the runner is to tell. */
  ask(): ClaimedRun[] {
    const asked = [...this.entries()].filter(([, { observation }]) => observation.state !== 'Ended');
    return asked.map(([name, run]) => {
      run.standing = 'asked';
      const { key, observation, stop, stopCause = stop?.cause } = run;
      const startedAt = observation.state === 'Running' ? observation.startedAt : undefined;
      return { name, job: key, startedAt, stopCause };
    });
  }

  /** Takes in what the runner observed; false where that is no news. */
  told(key: JobKey, observation: RunObservation): boolean {
    const wireName = observation.name;
    const run = this.get(wireName);
    if (run?.observation.state === 'Ended') return false;
    const told = { ...observation, name: wireName.slice(wireNameOf(key, '').length) };
    if (run) Object.assign(run, { observation: told, standing: 'told' });
    else this.add(wireName, { key, observation: told, standing: 'told' });
    return true;
  }

  /**
   * Everything has been told: what was not is gone, and what nobody was asked about was never sent. Answers with
   * the jobs of both.
   */
  settle(): JobKey[] {
    const untold = [...this.entries()].filter(
      ([, { observation, standing }]) => observation.state === 'Running' && standing !== 'told',
    );
    for (const [name, run] of untold) {
      if (run.standing === 'asked') this.delete(name);
      else run.observation = { name: run.observation.name, state: 'NeverStarted' };
    }
    return untold.map(([, { key }]) => key);
  }

  /** Stops of runs that have not ended, by name on the wire. */
  *stops(): Generator<[name: string, stop: Stop]> {
    for (const [name, { observation, stop }] of this.entries()) {
      if (observation.state === 'Running' && stop) yield [name, stop];
    }
  }
}
