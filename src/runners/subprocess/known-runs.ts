// The runs that the runner knows, by name and by job.
import type { JobKey } from '../../core/job.ts';
import type { Run, RunObservation, StopCause } from '../../core/run.ts';
import { LiveRun } from './live-run.ts';
import { RunIndex } from '../run-index.ts';

/** What the runner has to know of a run that the ledger holds as Running. */
export type ClaimedRun = Pick<Run, 'name' | 'job' | 'startedAt' | 'stopCause'>;

/** A run without a process: proven never to have had any, or with nothing left that tells of it. */
interface TracelessRun {
  key: JobKey;
  observation: RunObservation;
  /** Remembers on disk what was decided, until the run is released. */
  directory?: string;
}

/** A run that has, or had, a process; or one without. */
export type KnownRun = LiveRun | TracelessRun;

export function neverStarted(run: ClaimedRun): KnownRun {
  return { key: run.job, observation: { name: run.name, state: 'NeverStarted' } };
}

/** A run of which nothing can be known: it may have run, so it must not run again. `now` in milliseconds. */
export function lostRun(run: ClaimedRun, directory: string, now: number): KnownRun {
  const reason: StopCause | 'Lost' = run.stopCause ?? 'Lost';
  const message = 'The run may have started; nothing is left that tells how it ended.';
  const { name, startedAt } = run;
  return {
    key: run.job,
    observation: { name, state: 'Ended', startedAt, finishedAt: now, reason, message },
    directory,
  };
}

export class KnownRuns extends RunIndex<KnownRun> {
  /** The run, when it has been started. */
  live(name: string): LiveRun | undefined {
    const known = this.get(name);
    return known instanceof LiveRun ? known : undefined;
  }

  allLive(): LiveRun[] {
    return [...this.entries()].map(([, known]) => known).filter((known) => known instanceof LiveRun);
  }
}
