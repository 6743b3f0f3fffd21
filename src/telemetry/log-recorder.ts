// The local home has no Events: what happens to a job goes to the log.
import type { Logger, Recorder } from '../control/ports.ts';

/** Writes each event as one line; warnings as warnings. */
export function logRecorder(log: Logger): Recorder {
  return {
    event: (job, type, reason, note) => {
      log[type === 'Warning' ? 'warn' : 'info']({ job: job.key, reason }, note);
    },
  };
}
