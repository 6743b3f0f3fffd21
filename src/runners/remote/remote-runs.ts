// The runs of this host as the controller knows them, and which of them the current connection has reported.
import type { JobKey } from '../../core/job.ts';
import { splitKey } from '../../core/naming.ts';
import type { Run, RunObservation, StopCause } from '../../core/run.ts';
import type { ClaimedRun } from '../subprocess/known-runs.ts';
import { RunIndex } from '../run-index.ts';

interface RemoteRun {
  readonly key: JobKey;
  observation: RunObservation;
  /** Over the current connection: not asked for, sent in `recover`, or reported by the runner. */
  inquiry: 'none' | 'sent' | 'reported';
  /** The stop recorded in the ledger at the takeover; the loop requests it again. */
  stopCause?: StopCause | undefined;
  /** The stop that the loop requested, kept for a runner that reconnects. */
  stop?: Stop;
}

interface Stop {
  cause: StopCause;
  /** Milliseconds. */
  graceMs: number;
}

/** The run's name on the wire: run names are unique within a namespace only. A namespace holds no dot. */
export function wireNameOf(key: JobKey, name: string): string {
  return `${splitKey(key).namespace}.${name}`;
}

/** Indexed by wire name; observations carry the run's own name. */
export class RemoteRuns extends RunIndex<RemoteRun> {
  /** Observes the runs as Running, as the ledger says, until the runner reports them. */
  presumeRunning(runs: readonly Run[]): void {
    for (const { name, job: key, createdAt, startedAt = createdAt, stopCause } of runs) {
      this.add(wireNameOf(key, name), {
        key,
        observation: { name, state: 'Running', startedAt },
        inquiry: 'none',
        stopCause,
      });
    }
  }

  /** The unfinished runs, for `recover`: the runner must report their fate. */
  claims(): ClaimedRun[] {
    const unfinished = [...this.entries()].filter(([, { observation }]) => observation.state !== 'Ended');
    return unfinished.map(([name, run]) => {
      run.inquiry = 'sent';
      const { key, observation, stop, stopCause = stop?.cause } = run;
      const startedAt = observation.state === 'Running' ? observation.startedAt : undefined;
      return { name, job: key, startedAt, stopCause };
    });
  }

  /** Records an observation. Returns false if the run had already ended. */
  record(key: JobKey, observed: RunObservation): boolean {
    const wireName = observed.name;
    const run = this.get(wireName);
    if (run?.observation.state === 'Ended') return false;
    const observation = { ...observed, name: wireName.slice(wireNameOf(key, '').length) };
    if (run) Object.assign(run, { observation, inquiry: 'reported' });
    else this.add(wireName, { key, observation, inquiry: 'reported' });
    return true;
  }

  /**
   * Decides the runs that the runner left unreported at `synced`: a run sent in `recover` is gone, any other start was
   * never sent. Returns the jobs of both.
   */
  resolveUnreported(): JobKey[] {
    const unreported = [...this.entries()].filter(
      ([, { observation, inquiry }]) => observation.state === 'Running' && inquiry !== 'reported',
    );
    for (const [name, run] of unreported) {
      if (run.inquiry === 'sent') this.delete(name);
      else run.observation = { name: run.observation.name, state: 'NeverStarted' };
    }
    return unreported.map(([, { key }]) => key);
  }

  /** The requested stops of running runs, by wire name. */
  *pendingStops(): Generator<[name: string, stop: Stop]> {
    for (const [name, { observation, stop }] of this.entries()) {
      if (observation.state === 'Running' && stop) yield [name, stop];
    }
  }
}
