// Applies the NAME=value lines of a crontab to the jobs below them.
import type { JobSpecInput } from '../../job.ts';

export interface Settings {
  spec: Pick<JobSpecInput, 'shell' | 'timeZone' | 'workingDir' | 'jitterSeconds'>;
  env: Map<string, string>;
}

export function newSettings(): Settings {
  return { spec: {}, env: new Map() };
}

const IGNORED_VARIABLES = new Map([
  ['MAILTO', 'lsh sends no mail; the output of each run is kept, see `lsh cron logs`.'],
  ['MAILFROM', 'lsh sends no mail.'],
  ['CONTENT_TYPE', 'lsh sends no mail.'],
  ['CONTENT_TRANSFER_ENCODING', 'lsh sends no mail.'],
  ['LOGNAME', 'lsh runs jobs as the user of its daemon.'],
  ['USER', 'lsh runs jobs as the user of its daemon.'],
  ['START_HOURS_RANGE', 'it belongs to anacron.'],
]);

/** Applies one line to the jobs below it. Returns a note if a part of its meaning is lost. */
export function applySetting({ spec, env }: Settings, name: string, value: string): string | undefined {
  const reason = IGNORED_VARIABLES.get(name);
  if (reason !== undefined) return value === '' ? undefined : `${name} was not carried over: ${reason}`;
  switch (name) {
    case 'SHELL':
      spec.shell = value;
      return undefined;
    case 'CRON_TZ':
      spec.timeZone = value;
      return undefined;
    case 'RANDOM_DELAY':
      spec.jitterSeconds = 60 * Number(value);
      return undefined;
    case 'HOME':
      // cron starts commands there.
      if (value.startsWith('/')) spec.workingDir = value;
      break;
    default:
  }
  env.set(name, value);
  if (name !== 'TZ') return undefined;
  return 'TZ is given to the commands, as in cron; it does not move the schedule. Set timeZone for that.';
}
