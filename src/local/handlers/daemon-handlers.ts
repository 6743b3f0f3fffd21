// Requests about the daemon itself: its status and its shutdown.
import { rfc3339 } from '../../core/rfc3339.ts';
import type { Job } from '../../core/job.ts';
import { isActive } from '../../core/run.ts';
import type { ClockSteps } from '../../control/clock-steps.ts';
import type { ClockStep } from '../../core/decide/clock-step.ts';
import type { ChannelStanding } from '../../contracts/notices.ts';
import { daemonHealth, type Progress } from './daemon-health.ts';
import type { StoreJobSource } from '../jobs/job-source.ts';
import type { LocalPaths } from '../paths.ts';
import { PROTOCOL_VERSION, type DaemonMetrics, type DaemonStatus } from '../socket/protocol.ts';
import type { Handlers } from '../socket/server.ts';

const DAY_MS = 86_400_000;

export interface DaemonHandlerOptions {
  source: StoreJobSource;
  clock: Pick<ClockSteps, 'look' | 'movedMs'>;
  /** The recorded steps of the clock, newest first. */
  clockSteps: () => Promise<readonly ClockStep[]>;
  paths: LocalPaths;
  version: string;
  /** IANA zone of jobs without a timeZone. */
  timeZone: () => string;
  /** When this daemon started, in milliseconds. */
  startedAt: number;
  progress: Progress;
  /** Tries a write; throws why it fails. */
  probe: () => Promise<void>;
  /** What the kept output of all runs takes, and may take. */
  output: () => Promise<DaemonStatus['output']>;
  /** Undefined if no team’s history is configured. */
  history: () => DaemonStatus['history'];
  /** Writes the metrics of at most this many jobs; default: as many as the daemon is set to. */
  metrics: (perJob: number | undefined) => Promise<DaemonMetrics>;
  /** How the channels of notices stand. `retry`: the dead letters of that channel wait again; `test`: it gets a test. */
  notices: (request: { retry?: string; test?: string }, signal: AbortSignal) => Promise<ChannelStanding[]>;
  /** Begins the shutdown; the daemon still answers the request. */
  shutdown: () => void;
}

/** The handlers of the commands about the daemon. */
export function daemonHandlers(
  options: DaemonHandlerOptions,
): Pick<Handlers, 'daemon.status' | 'daemon.metrics' | 'daemon.notices' | 'daemon.shutdown'> {
  return {
    'daemon.status': () => daemonStatus(options),
    'daemon.metrics': ({ perJob }) => options.metrics(perJob),
    'daemon.notices': async (request, signal) => ({ channels: await options.notices(request, signal) }),
    'daemon.shutdown': async () => {
      options.shutdown();
      return { pid: process.pid };
    },
  };
}

async function daemonStatus(options: DaemonHandlerOptions): Promise<DaemonStatus> {
  const { clock, paths, version, timeZone, source, progress, probe } = options;
  const { now, steps } = clock.look();
  const startedAt = options.startedAt + clock.movedMs;
  const step = steps.at(-1);
  const countsFrom = Math.max(startedAt, step === undefined ? 0 : step.at + step.byMs);
  const jobs = jobsOf(source);
  const history = options.history();
  const memory = process.memoryUsage();
  return {
    pid: process.pid,
    version,
    protocol: PROTOCOL_VERSION,
    startedAt: rfc3339(startedAt),
    uptimeSeconds: Math.floor((now - startedAt) / 1000),
    stateDir: paths.stateDir,
    socketPath: paths.socket,
    logPath: paths.log,
    timeZone: timeZone(),
    ...counts(source, jobs),
    memory: { rssBytes: memory.rss, heapUsedBytes: memory.heapUsed },
    output: await options.output(),
    ...(history && { history }),
    clockSteps: recentSteps(await options.clockSteps(), now),
    health: await daemonHealth({ jobs, now, startedAt: countsFrom, progress, probe }),
  };
}

/** The steps of the last day. A step that ended ahead of now was set back since: it matters still. */
function recentSteps(steps: readonly ClockStep[], now: number): DaemonStatus['clockSteps'] {
  return steps
    .map(({ at, byMs, whileAway }) => ({ at, to: at + byMs, ...(whileAway && { whileAway }) }))
    .filter(({ to }) => Math.abs(now - to) < DAY_MS)
    .map(({ at, to, ...step }) => ({ at: rfc3339(at), to: rfc3339(to), ...step }));
}

function jobsOf(source: StoreJobSource): Job[] {
  return [...source.keys()].map((key) => source.get(key)).filter((job) => job !== undefined);
}

function counts(
  source: StoreJobSource,
  jobs: readonly Job[],
): Pick<DaemonStatus, 'jobs' | 'activeRuns' | 'next'> {
  const next = soonest(jobs);
  return {
    jobs: {
      total: jobs.length,
      suspended: jobs.filter(({ status }) => status?.phase === 'Suspended').length,
      invalid: jobs.filter(({ status }) => status?.phase === 'Invalid').length,
    },
    activeRuns: [...source.keys()].flatMap((key) => source.runsOf(key).filter(isActive)).length,
    ...(next && { next }),
  };
}

function soonest(jobs: readonly Job[]): DaemonStatus['next'] {
  let next: { job: string; slot: number } | undefined;
  for (const { name, status } of jobs) {
    const slot = status?.nextScheduleAt;
    if (slot !== undefined && slot < (next?.slot ?? Infinity)) next = { job: name, slot };
  }
  return next && { job: next.job, at: rfc3339(next.slot) };
}
