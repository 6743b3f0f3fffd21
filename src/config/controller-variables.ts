// The part of the table that `lsh controller` reads; each variable has an option that stands above it.
import { amount, DURATION, flag, list, PLAIN, text, type Variable } from './kinds.ts';

/** What the operator reads, in the order of the page. */
export const CONTROLLER_VARIABLES = {
  namespaces: {
    ...list(
      'LSH_NAMESPACES',
      'namespaces',
      'Namespaces whose LshJobs the operator carries out; all when not set.',
    ),
    option: '--namespaces <list>',
  },
  workers: {
    ...amount(
      'LSH_WORKERS',
      'a whole number',
      { units: PLAIN, min: '1', max: '100000', default: '2000' },
      'LshJobs that the operator evaluates at the same time; most of that time they wait for the API server.',
    ),
    option: '--workers <count>',
  },
  leaderElect: {
    ...flag('LSH_LEADER_ELECT', 'Whether operators take turns by a Lease; false for one that is alone.'),
    fallback: true,
    shownDefault: 'true',
    option: '--leader-elect [boolean]',
  },
  leaseDurationMs: {
    ...amount(
      'LSH_LEASE_DURATION',
      'a time (ms, s, m)',
      { units: DURATION, min: '1s', max: '5m', default: '15s' },
      'How long the others wait for an operator that is silent before one of them goes on.',
    ),
    option: '--lease-duration <time>',
  },
  watchSilenceMs: {
    ...amount(
      'LSH_WATCH_SILENCE',
      'a time (ms, s, m)',
      { units: DURATION, min: '1s', max: '10m', default: '70s' },
      'How long a watch may bring nothing before the operator asks whether its connection still lives.',
    ),
    option: '--watch-silence <time>',
  },
  httpPort: {
    ...amount(
      'LSH_HTTP_PORT',
      'a port',
      { units: PLAIN, min: '0', max: '65535', default: '8080' },
      'Port of the operator’s /healthz, /readyz and /metrics; 0 for any that is free.',
    ),
    option: '--http-port <port>',
  },
  jobImage: {
    ...text('LSH_JOB_IMAGE', 'Image of Kubernetes Jobs whose LshJob names none.'),
    fallback: 'busybox:stable',
    shownDefault: 'busybox:stable',
    option: '--job-image <image>',
  } as Variable<string>,
  shellMode: {
    name: 'LSH_SHELL',
    type: 'off, in-process, or the absolute path of a runner’s socket',
    fallback: 'off',
    shownDefault: 'off',
    description: 'Where the operator executes shell runs: nowhere, in its own process, or by `lsh runner`.',
    option: '--shell <where>',
    read: (value) => (/^(?:off|in-process|\/.*)$/.test(value) ? value : undefined),
  } as Variable<string>,
  shellNamespaces: {
    ...list(
      'LSH_SHELL_NAMESPACES',
      'namespaces',
      'Namespaces whose LshJobs may have shell runs; the operator’s own when not set.',
    ),
    option: '--shell-namespaces <list>',
  },
  shellForce: {
    ...flag(
      'LSH_SHELL_FORCE',
      'When true, shell runs are executed in the operator’s process even where they could read its API token.',
    ),
    option: '--shell-force [boolean]',
  },
  supabaseUrl: {
    ...text(
      'SUPABASE_URL',
      'Supabase project in whose table lsh_runs the operator records every finished run; nowhere when not set.',
    ),
    type: 'a URL that begins with https:// or http://',
    read: (value) => (/^https?:$/.test(protocolOf(value)) ? value.trim() : undefined),
  } as Variable<string | undefined>,
  supabaseServiceRoleKey: {
    ...text(
      'SUPABASE_SERVICE_ROLE_KEY',
      'Key of its role service_role; where SUPABASE_URL is set, the operator does not start without it.',
    ),
    secret: true,
    // As the address, it may have the newline of the file that a Secret was made of.
    read: (value) => value.trim() || undefined,
  } as Variable<string | undefined>,
} satisfies Record<string, Variable<never> | Variable>;

function protocolOf(url: string): string {
  return URL.parse(url)?.protocol ?? '';
}
