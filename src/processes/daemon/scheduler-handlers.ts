// What the socket of the daemon answers: the handlers of src/local/ over the parts of the scheduler.
import type { CalendarFiles } from '../../calendars/calendar-files.ts';
import type { Config } from '../../config.ts';

import type { ClockSteps } from '../../control/clock-steps.ts';
import { requireSafeCommand } from '../../core/command-check/command-check.ts';
import { policyFor, type CommandSettings } from '../../core/command-check/policy.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import { LOCAL_NAMESPACE } from '../../core/naming.ts';
import type { NoticeRule } from '../../core/notices/notice.ts';
import { backfillHandlers } from '../../local/handlers/backfill-handlers.ts';
import { daemonHandlers } from '../../local/handlers/daemon-handlers.ts';
import { jobHandlers } from '../../local/handlers/job-handlers.ts';
import { noticeHandlers } from '../../local/handlers/notice-handlers.ts';
import { runHandlers } from '../../local/handlers/run-handlers.ts';
import { hostTimeZone } from '../../local/host-time-zone.ts';
import type { CommitFeed } from '../../local/jobs/commit-feed.ts';
import type { StoreJobSource } from '../../local/jobs/job-source.ts';
import type { LocalPaths } from '../../local/paths.ts';
import type { DaemonMetrics } from '../../local/socket/protocol.ts';
import type { Handlers } from '../../local/socket/server.ts';
import { missingPrerequisite } from '../../runners/subprocess/command/prerequisites.ts';
import type { SubprocessRunner } from '../../runners/subprocess/subprocess-runner.ts';
import type { SqliteStore } from '../../stores/sqlite/sqlite-store.ts';
import type { JobMetrics } from '../../telemetry/job-series.ts';
import type { Log } from '../../telemetry/log.ts';
import { VERSION } from '../../version.ts';
import type { DaemonHistory } from './daemon-history.ts';
import type { EvaluationProgress } from './evaluation-progress.ts';
import type { LateNotices } from './late-notices.ts';

export interface SchedulerParts {
  config: Config;
  paths: LocalPaths;
  log: Log;
  settings: CommandSettings;
  source: StoreJobSource;
  store: SqliteStore;
  feed: CommitFeed;
  runner: SubprocessRunner;
  calendars: CalendarFiles;
  notices: LateNotices;
  /** Of jobs without rules of their own. */
  noticeRules: readonly NoticeRule[];
  clockSteps: ClockSteps;
  /** Milliseconds since the epoch. */
  startedAt: number;
  progress: EvaluationProgress;
  /** Undefined without a team history. */
  history: () => ReturnType<DaemonHistory['standing']> | undefined;
  /** Rejects while the daemon cannot write. */
  probe: () => Promise<void>;
  shutdown: () => void;
}

export function schedulerHandlers(parts: SchedulerParts): Handlers {
  const { config, source, store, feed, runner, calendars, notices, settings, clockSteps } = parts;
  const timeZone = () => hostTimeZone(config.tz);
  return {
    ...jobHandlers({
      source,
      clock: clockSteps,
      timeZone,
      calendars,
      checkCommand: (spec, name) => [
        ...requireSafeCommand(spec, policyFor({ namespace: LOCAL_NAMESPACE, name }, settings)),
        ...startWarnings(spec),
      ],
      checkChannels: (spec) => notices.warnings(spec),
    }),
    ...runHandlers({ source, store, feed, readLog: (run, options) => runner.log(run, options) }),
    ...backfillHandlers({ source, feed, calendars }),
    ...noticeHandlers({ source, rules: parts.noticeRules, noticesOf: (key) => notices.of(key) }),
    ...daemonHandlers({
      source,
      clock: clockSteps,
      clockSteps: () => store.clockSteps(),
      paths: parts.paths,
      version: VERSION,
      timeZone,
      startedAt: parts.startedAt,
      progress: parts.progress,
      history: parts.history,
      metrics: metricsOf(parts),
      notices: (request, signal) => notices.standing(request, signal),
      probe: parts.probe,
      output: async () => ({ bytes: await runner.logBytes(), maxBytes: config.maxLogBytes }),
      shutdown: parts.shutdown,
    }),
  };
}

/** A directory may appear before the first run, so what is missing now is a warning. */
function startWarnings(spec: JobSpec): string[] {
  const missing = spec.executor === 'Shell' ? missingPrerequisite(spec) : undefined;
  return missing === undefined ? [] : [`${missing}; until that changes, every run fails`];
}

/** Loaded only when asked for: most daemons have no Prometheus. */
function metricsOf({
  config,
  log,
  source,
  store,
}: SchedulerParts): (perJob?: number) => Promise<DaemonMetrics> {
  let jobMetrics: JobMetrics | undefined;
  const jobs = {
    keys: () => source.keys(),
    jobOf: source.get.bind(source),
    runsOf: source.runsOf.bind(source),
  };
  return async (perJob = config.metricsPerJob) => {
    const { JobMetrics } = await import('../../telemetry/job-series.ts');
    const { channelSeries } = await import('../../telemetry/channel-series.ts');
    jobMetrics ??= new JobMetrics(log.component('metrics'));
    const { lines, ...counts } = jobMetrics.series(jobs, perJob);
    return { lines: [...lines, ...channelSeries(store.notices.standing())], ...counts };
  };
}
