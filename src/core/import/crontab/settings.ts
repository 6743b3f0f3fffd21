// Applies the NAME=value lines of a crontab to the jobs below them.
import { LshError } from '../../errors.ts';
import { API_VERSION, KIND } from '../../api-version.ts';
import type { JobSpecInput } from '../../spec/job-spec.ts';
import { parseManifest } from '../../validate/validate.ts';
import type { Setting } from './lines.ts';

export interface Settings {
  readonly spec: Readonly<Pick<JobSpecInput, 'shell' | 'timeZone' | 'workingDir' | 'jitterSeconds'>>;
  readonly env: ReadonlyMap<string, string>;
  /** Hour from which anacron may start jobs. */
  readonly startHour: number;
}

export const NO_SETTINGS: Settings = { spec: {}, env: new Map(), startHour: 0 };

const IGNORED_VARIABLES = new Map([
  ['MAILTO', 'lsh sends no mail; the output of each run is kept, see `lsh cron logs`.'],
  ['MAILFROM', 'lsh sends no mail.'],
  ['CONTENT_TYPE', 'lsh sends no mail.'],
  ['CONTENT_TRANSFER_ENCODING', 'lsh sends no mail.'],
  ['LOGNAME', 'lsh runs jobs as the user of its daemon.'],
  ['USER', 'lsh runs jobs as the user of its daemon.'],
]);

export interface AppliedSetting {
  settings: Settings;
  note?: string;
  /** The setting is invalid and changes nothing. */
  refused?: true;
}

/** Applies one line. A setting that no job can have is refused, and the jobs below keep the settings above it. */
export function applySetting(settings: Settings, { name, value }: Setting): AppliedSetting {
  const ignored = IGNORED_VARIABLES.get(name);
  if (ignored !== undefined) {
    return value === '' ? { settings } : { settings, note: `${name} was not carried over: ${ignored}` };
  }
  const next = withSetting(settings, name, value);
  const problem = settingsProblem(next);
  if (problem !== undefined) {
    const note = `${name} was left out: ${problem} The jobs below do without it.`;
    return { settings, note, refused: true };
  }
  if (name !== 'TZ') return { settings: next };
  const note =
    'TZ is given to the commands, as in cron; it does not move the schedule. Set timeZone for that.';
  return { settings: next, note };
}

function withSetting(settings: Settings, name: string, value: string): Settings {
  const { spec, env } = settings;
  const given = value === '' ? undefined : value;
  switch (name) {
    case 'SHELL':
      return { ...settings, spec: { ...spec, shell: given } };
    case 'CRON_TZ':
      return { ...settings, spec: { ...spec, timeZone: given } };
    case 'RANDOM_DELAY':
      return { ...settings, spec: { ...spec, jitterSeconds: 60 * Number(value) } };
    case 'START_HOURS_RANGE':
      return { ...settings, startHour: Number(/^\d+/.exec(value)?.[0] ?? 0) % 24 };
    case 'HOME':
      // cron starts commands there.
      return {
        ...settings,
        spec: { ...spec, workingDir: value.startsWith('/') ? value : undefined },
        env: new Map(env).set(name, value),
      };
    default:
      return { ...settings, env: new Map(env).set(name, value) };
  }
}

/** The fields of a job under these settings. */
export function specOf({ spec, env }: Settings): JobSpecInput {
  const given = Object.entries(spec).filter(([, value]) => value !== undefined && value !== 0);
  return {
    ...Object.fromEntries(given),
    ...(env.size > 0 && { env: [...env].map(([name, value]) => ({ name, value })) }),
  };
}

function settingsProblem(settings: Settings): string | undefined {
  const spec = { schedule: '@daily', command: 'true', ...specOf(settings) };
  try {
    parseManifest({ apiVersion: API_VERSION, kind: KIND, metadata: { name: 'job' }, spec }, 'local');
    return undefined;
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    return String(error.fields.detail);
  }
}
