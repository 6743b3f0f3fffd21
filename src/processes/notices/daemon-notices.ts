// The notices of a daemon: a table of its database holds them, and this sends them. Loaded when the first one is due.
import { hostname } from 'node:os';
import type { Config } from '../../config.ts';
import { systemClock } from '../../control/clock.ts';
import type { NoticeDelivery } from '../../control/notices/notice-store.ts';
import type { Logger } from '../../control/ports.ts';
import { NoticeSender } from '../../notices/notice-sender.ts';
import type { RunFacts } from '../../notices/message.ts';
import type { SqliteStore } from '../../stores/sqlite/sqlite-store.ts';
import { ChannelRuns, type ChannelRunsOptions } from './channel-runs.ts';
import { resolvedChannel } from './channel-values.ts';
import { readChannels } from './channels-file.ts';
import { usualDuration } from './usual-duration.ts';

export interface DaemonNoticesOptions extends Pick<ChannelRunsOptions, 'source' | 'feed' | 'put' | 'signal'> {
  config: Config;
  store: SqliteStore;
  logger: Logger;
}

export function daemonNotices({ config, store, logger, ...jobs }: DaemonNoticesOptions): NoticeSender {
  const runs = new ChannelRuns({ ...jobs, store, now: () => systemClock.now() });
  return new NoticeSender({
    store: store.notices,
    clock: systemClock,
    logger,
    home: { platform: 'local', name: hostname() },
    channels: () => readChannels(config),
    resolve: resolvedChannel,
    runCommand: (channel, command) => runs.run(channel, command),
    factsOf: (delivery) => factsOf(store, delivery),
    random: Math.random,
  });
}

/** Runs that the usual duration is of. */
const USUAL_OF = 20;

async function factsOf(store: SqliteStore, { job, notice }: NoticeDelivery): Promise<RunFacts> {
  if (notice.run === undefined) return {};
  const run = await store.run(notice.run);
  const completed = await store.runs({ job, phases: ['Completed'], limit: USUAL_OF });
  const usualMs = usualDuration(completed.filter(({ name }) => name !== notice.run));
  return { outputTail: run?.outputTail, ...(usualMs !== undefined && { usualMs }) };
}
