// The runs of this host as the controller knows them, and which of them the current connection has reported.
import { createHash } from 'node:crypto';
import type { JobKey } from '../../core/job.ts';
import { splitKey } from '../../core/naming.ts';
import type { Run, RunObservation, StopCause } from '../../core/run.ts';
import type { ClaimedRun } from '../subprocess/known-runs.ts';
import { RunIndex } from '../run-index.ts';

interface RemoteRun {
  readonly key: JobKey;
  readonly nonce: string;
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

const NONCE_BYTES = 16;

/**
 * Tells the run apart from all others. The next leader computes it again, from the ledger. A runner cannot: it never learns
 * the uid of an LshJob.
 */
export function nonceOf({ jobUid, name }: Pick<Run, 'jobUid' | 'name'>): string {
  return createHash('sha256').update(`${jobUid}\n${name}`).digest().toString('base64url', 0, NONCE_BYTES);
}

/** Indexed by wire name; observations carry the run's own name. */
export class RemoteRuns extends RunIndex<RemoteRun> {
  /** Observes the runs as Running, as the ledger says, until the runner reports them. */
  presumeRunning(runs: readonly Run[]): void {
    for (const run of runs) {
      const { name, job: key, createdAt, startedAt = createdAt, stopCause } = run;
      this.add(wireNameOf(key, name), {
        key,
        nonce: nonceOf(run),
        observation: { name, state: 'Running', startedAt },
        inquiry: 'none',
        stopCause,
      });
    }
  }

  /**
   * Every run, for `recover`: the runner must report its fate. Ended ones too, for the runner drops what is not named, and
   * the ledger may not hold the end yet.
   */
  claims(): (ClaimedRun & { nonce: string })[] {
    return [...this.entries()].map(([name, run]) => {
      run.inquiry = 'sent';
      const { key, nonce, observation, stop, stopCause = stop?.cause } = run;
      const startedAt = observation.state === 'Running' ? observation.startedAt : undefined;
      return { nonce, name, job: key, startedAt, stopCause };
    });
  }

  /** The run that the runner was given under this name and nonce. */
  given(wireName: string, nonce: string): RemoteRun | undefined {
    const run = this.get(wireName);
    return run?.nonce === nonce ? run : undefined;
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

/**
 * Records what the runner reports of a run. Returns false if that is no news: an end is final, and only `recover` asks
 * whether a run ever started.
 */
export function record(run: RemoteRun, observed: RunObservation): boolean {
  const { observation, inquiry } = run;
  if (observation.state === 'Ended') return false;
  if (observed.state === 'NeverStarted' && inquiry !== 'sent') return false;
  if (observed.state === 'Running' && inquiry === 'reported') return false;
  run.observation = { ...observed, name: observation.name };
  run.inquiry = 'reported';
  return true;
}
