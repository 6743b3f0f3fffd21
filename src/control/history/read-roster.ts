// Reads the jobs that the team's history has, as often as it takes.
import { Backoff } from '../../core/backoff.ts';
import type { Clock, JobRoster, Logger, RecordedJob } from '../ports.ts';

const RETRY = { initialMs: 1_000, maxMs: 60_000 };

export interface RosterReading {
  roster: JobRoster;
  clock: Clock;
  logger: Logger;
}

/** Calls back once, unless the returned function is called before. */
export function readRoster(
  { roster, clock, logger }: RosterReading,
  onRead: (jobs: readonly RecordedJob[]) => void,
): () => void {
  const backoff = new Backoff(RETRY);
  let isCancelled = false;
  let cancelTimer = () => {};
  const read = async (): Promise<void> => {
    try {
      const jobs = await roster.jobs();
      if (!isCancelled) onRead(jobs);
    } catch (err) {
      if (isCancelled) return;
      const retryInMs = backoff.next();
      logger.warn({ err, retryInMs }, 'the jobs of the team’s history were not read');
      cancelTimer = clock.at(clock.now() + retryInMs, () => void read());
    }
  };
  void read();
  return () => {
    isCancelled = true;
    cancelTimer();
  };
}
