// The events of jobs as lines of the log.
import type { Logger, RecordedListener } from '../control/ports.ts';
import { eventText, type JobEvent } from '../core/decide/events.ts';

/** Writes each event as one line; warnings as warnings. */
export function logRecorder(log: Logger): RecordedListener {
  return ({ key, events }) => {
    for (const event of events) {
      const { type, reason, note } = eventText(event);
      log[type === 'Warning' ? 'warn' : 'info']({ job: key, reason, ...runFields(event) }, note);
    }
  };
}

/** What a filter of the log selects a run by. */
function runFields(event: JobEvent): { run?: string; exitCode?: number } {
  if (!('run' in event)) return {};
  const { name, exitCode } = event.run;
  return { run: name, ...(exitCode !== undefined && { exitCode }) };
}
