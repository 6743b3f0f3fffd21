// The variables of `lsh controller`. An option overrides each of them.
import { amount, DURATION, flag, list, PLAIN, text, type Variable } from './kinds.ts';

/** What Kubernetes Jobs get whose LshJob sets none. */
export interface JobDefaults {
  resources?: object;
  podSecurityContext?: object;
  securityContext?: object;
  /** Whether images that an LshJob names get the security contexts, too. */
  ownImages?: boolean;
}

const JOB_DEFAULT_TYPES: Record<keyof JobDefaults, string> = {
  resources: 'object',
  podSecurityContext: 'object',
  securityContext: 'object',
  ownImages: 'boolean',
};

function jobDefaultsIn(text: string): JobDefaults | undefined {
  try {
    const entries = Object.entries(JSON.parse(text) as object);
    const types: Record<string, string> = JOB_DEFAULT_TYPES;
    const fits = entries.every(([name, value]) => value !== null && typeof value === types[name]);
    return fits ? Object.fromEntries(entries) : undefined;
  } catch {
    return undefined;
  }
}

/** The variables of the operator, in the order of docs/configuration.md. */
export const CONTROLLER_VARIABLES = {
  namespaces: {
    ...list(
      'LSH_NAMESPACES',
      'namespaces',
      'Namespaces in which the operator runs LshJobs; all namespaces when not set.',
    ),
    option: '--namespaces <list>',
  },
  workers: {
    ...amount(
      'LSH_WORKERS',
      'a whole number',
      { units: PLAIN, min: '1', max: '100000', default: '256' },
      'Number of LshJobs that the operator evaluates at the same time; an evaluation mostly waits for the API server.',
    ),
    option: '--workers <count>',
  },
  maxStartsPerSecond: {
    ...amount(
      'LSH_MAX_STARTS_PER_SECOND',
      'a whole number',
      { units: PLAIN, min: '0', max: '100000', default: '0' },
      'Most runs that the operator starts in any second, higher priorities first; the others wait. 0 for no limit.',
    ),
    option: '--max-starts-per-second <count>',
  },
  leaderElect: {
    ...flag(
      'LSH_LEADER_ELECT',
      'Whether replicas of the operator elect a leader by a Lease; false for a single operator.',
    ),
    fallback: true,
    shownDefault: 'true',
    option: '--leader-elect [boolean]',
  },
  leaseDurationMs: {
    ...amount(
      'LSH_LEASE_DURATION',
      'a time (ms, s, m)',
      { units: DURATION, min: '1s', max: '5m', default: '6s' },
      'How long a silent leader stays leader; after that another replica takes over.',
    ),
    option: '--lease-duration <time>',
  },
  watchSilenceMs: {
    ...amount(
      'LSH_WATCH_SILENCE',
      'a time (ms, s, m)',
      { units: DURATION, min: '1s', max: '10m', default: '70s' },
      'How long a watch may be silent before the operator checks its connection.',
    ),
    option: '--watch-silence <time>',
  },
  httpPort: {
    ...amount(
      'LSH_HTTP_PORT',
      'a port',
      { units: PLAIN, min: '0', max: '65535', default: '8080' },
      'Port of the operator’s /healthz, /readyz and /metrics; 0 for any free port.',
    ),
    option: '--http-port <port>',
  },
  metricsPerJob: {
    ...amount(
      'LSH_METRICS_PER_JOB',
      'a whole number',
      { units: PLAIN, min: '0', max: '100000', default: '1000' },
      'How many jobs have metrics of their own, on the operator’s /metrics and in `lsh daemon metrics`: the first by namespace and name; 0 for none.',
    ),
    option: '--metrics-per-job <count>',
  },
  jobImage: {
    ...text('LSH_JOB_IMAGE', 'Image of the Kubernetes Jobs of an LshJob that names no image.'),
    fallback: 'busybox:stable',
    shownDefault: 'busybox:stable',
    option: '--job-image <image>',
  } as Variable<string>,
  jobDefaults: {
    name: 'LSH_JOB_DEFAULTS',
    type: 'a JSON object with resources, podSecurityContext, securityContext and ownImages',
    fallback: {},
    option: '--job-defaults <json>',
    description:
      'What Kubernetes Jobs get whose LshJob sets none: resources of the command’s container, security contexts of Pod and container. Those with an image of their own get the contexts only if ownImages is true.',
    read: jobDefaultsIn,
  } as Variable<JobDefaults>,
  calendars: {
    ...text(
      'LSH_CALENDARS',
      'Directory of the calendars that LshJobs name, as NAME.ics or NAME.txt; the chart mounts its value calendars there.',
    ),
    fallback: '/etc/lsh/calendars',
    shownDefault: '/etc/lsh/calendars',
    option: '--calendars <directory>',
  } as Variable<string>,
  shellMode: {
    name: 'LSH_SHELL',
    type: 'off, in-process, or the absolute path of a socket',
    fallback: 'off',
    shownDefault: 'off',
    description:
      'Where the operator executes shell runs: nowhere (off), in its own process (in-process), or in `lsh runner` (its socket).',
    option: '--shell <where>',
    read: (value) => (/^(?:off|in-process|\/.*)$/.test(value) ? value : undefined),
  } as Variable<string>,
  shellNamespaces: {
    ...list(
      'LSH_SHELL_NAMESPACES',
      'namespaces',
      'Namespaces whose LshJobs may have shell runs; only the operator’s own namespace when not set.',
    ),
    option: '--shell-namespaces <list>',
  },
  shellForce: {
    ...flag(
      'LSH_SHELL_FORCE',
      'When true, the operator executes shell runs in its own process even where commands could read its API token.',
    ),
    option: '--shell-force [boolean]',
  },
} satisfies Record<string, Variable<never> | Variable>;
