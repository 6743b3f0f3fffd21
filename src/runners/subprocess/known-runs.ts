// The runs that the subprocess runner observes, by name and by job.
import type { JobKey } from '../../core/job.ts';
import type { Run, RunObservation, StopCause } from '../../core/run.ts';
import { LiveRun } from './live-run.ts';
import { RunIndex } from '../run-index.ts';

/** The part of a Running run in the ledger that its recovery needs. */
export type ClaimedRun = Pick<Run, 'name' | 'job' | 'startedAt' | 'stopCause'>;

/** A run without a process: it provably never started, or left no trace. */
interface TracelessRun {
  key: JobKey;
  observation: RunObservation;
  /** Keeps the decision on disk until the run is released. */
  directory?: string;
}

/** Every run that the runner observes. */
export type KnownRun = LiveRun | TracelessRun;

export function neverStarted(run: ClaimedRun): KnownRun {
  return { key: run.job, observation: { name: run.name, state: 'NeverStarted' } };
}

/** Ends a run whose fate is unknown: it may have run, so it must not run again. `now` in milliseconds. */
export function lostRun(run: ClaimedRun, directory: string, now: number): KnownRun {
  const reason: StopCause | 'Lost' = run.stopCause ?? 'Lost';
  const message = 'The run may have started; it left no trace of its end.';
  const { name, startedAt } = run;
  return {
    key: run.job,
    observation: { name, state: 'Ended', startedAt, finishedAt: now, reason, message },
    directory,
  };
}

export class KnownRuns extends RunIndex<KnownRun> {
  /** Returns undefined for a run without a process. */
  live(name: string): LiveRun | undefined {
    const known = this.get(name);
    return known instanceof LiveRun ? known : undefined;
  }

  allLive(): LiveRun[] {
    return [...this.entries()].map(([, known]) => known).filter((known) => known instanceof LiveRun);
  }
}
