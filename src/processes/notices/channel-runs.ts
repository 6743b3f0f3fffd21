// The runs of a daemon that tell of notices. Each is a job that runs once, so that it has all that a run has: the check of its
// command, masked output, a process group, a timeout, history and logs. The jobs of a channel have one name, and no rule: a
// notice about a notice would never end.
import type { JobManifest } from '../../core/job.ts';
import { API_VERSION, KIND } from '../../core/api-version.ts';
import { LshError } from '../../core/errors.ts';
import { LOCAL_NAMESPACE, jobKey, slotRunName } from '../../core/naming.ts';
import { rfc3339 } from '../../core/rfc3339.ts';
import type { Job } from '../../core/job.ts';
import type { Run } from '../../core/run.ts';
import type { RunStore } from '../../contracts/stores.ts';
import type { CommitFeed } from '../../local/jobs/commit-feed.ts';
import type { StoreJobSource } from '../../local/jobs/job-source.ts';
import { KeyedMutex } from '../../local/jobs/keyed-mutex.ts';
import { channelJob } from '../../notices/channel.ts';
import { DeliveryError } from '../../notices/delivery-error.ts';
import type { ChannelCommand } from '../../notices/send.ts';

export interface ChannelRunsOptions {
  source: Pick<StoreJobSource, 'get'>;
  store: Pick<RunStore, 'run'>;
  feed: CommitFeed;
  /** Admits the job as one of the user. */
  put: (job: JobManifest) => Promise<unknown>;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Aborts when the daemon ends; the next one waits for the run that goes on. */
  signal: AbortSignal;
}

/** Which notice the job tells of. */
const NOTICE = 'lsh.dev/notice';
/** Its slot must be to come when the daemon has checked the job. */
const AHEAD_MS = 2000;

export class ChannelRuns {
  readonly #options: ChannelRunsOptions;
  /** One run of a channel at a time. */
  readonly #mutex = new KeyedMutex();

  constructor(options: ChannelRunsOptions) {
    this.#options = options;
  }

  /** Resolves when the run has ended; undefined if a user removed it first. Rejects with a DeliveryError. */
  run(channel: string, command: ChannelCommand): Promise<Run | undefined> {
    return this.#mutex.run(channel, () => this.#run(channelJob(channel), command));
  }

  async #run(name: string, command: ChannelCommand): Promise<Run | undefined> {
    const { source, store, feed, signal } = this.#options;
    const key = jobKey(LOCAL_NAMESPACE, name);
    const isGone = async () => source.get(key) === undefined || undefined;
    const left = source.get(key);
    // The run of an earlier daemon goes on: this notice needs no second one.
    const slot = left === undefined ? undefined : slotOf(left, name, command.id);
    if (left !== undefined && slot === undefined) await feed.until(key, isGone, signal);
    const at = slot ?? (await this.#put(name, command));
    await feed.until(key, isGone, signal);
    return store.run(slotRunName(name, at, 1));
  }

  /** Returns the slot of the job, milliseconds. */
  async #put(name: string, { command, timeoutSeconds, id, env }: ChannelCommand): Promise<number> {
    const { put, now } = this.#options;
    const at = Math.floor((now() + AHEAD_MS) / 1000) * 1000;
    try {
      await put({
        apiVersion: API_VERSION,
        kind: KIND,
        metadata: { name, annotations: { [NOTICE]: id } },
        spec: {
          at: rfc3339(at),
          command,
          timeoutSeconds,
          env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
          description: 'Tells of a notice.',
          notify: [],
        },
      });
      return at;
    } catch (error) {
      const isRefused = error instanceof LshError && error.code === 'COMMAND_REFUSED';
      throw new DeliveryError((error as Error).message, { retryable: !isRefused }, error);
    }
  }
}

/** The slot of a job that tells of this notice; undefined for another notice. Throws for a job of the user. */
function slotOf({ annotations, spec }: Job, name: string, id: string): number | undefined {
  const notice = annotations?.[NOTICE];
  if (notice === undefined || spec.at === undefined)
    throw new DeliveryError(`the name of its runs is taken: there is a job ${name}`, { retryable: true });
  return notice === id ? Date.parse(spec.at) : undefined;
}
