// What an evaluation knows of the jobs that its job follows, and of those that follow it.
import type { Run } from '../../run.ts';

/** A job that the job follows, as the ledger shows it. */
export interface Predecessor {
  job: string;
  /** Undefined if there is no such job. */
  known?: {
    uid: string;
    /** How many ends the job has numbered; undefined before the first evaluation with a follower. */
    ends: number | undefined;
    runs: readonly Run[];
  };
}

/** The jobs that follow a job. */
export interface Followers {
  /** All of them have followed the ends up to this number. */
  handled: number;
}
