// Records the ends of this host's shell runs in the status of their LshJobs while another controller leads. Each write is
// a patch of the version that was read, so it never undoes a write of the leader.
import type { ClockSteps } from '../../control/clock-steps.ts';
import type { NoticeDesk } from '../../control/notices/notice-desk.ts';
import type { RecordedListener } from '../../control/ports.ts';
import { decideEnd } from '../../core/decide/decide.ts';
import type { Executor, RunnerTraits } from '../../core/executor.ts';
import type { JobKey } from '../../core/job.ts';
import { splitKey } from '../../core/naming.ts';
import type { Run, RunEnd } from '../../core/run.ts';
import { isConflict, isNotFound } from '../api/api-errors.ts';
import type { KubeApi } from '../api/fence.ts';
import { lshJobPath, readLshJob, readRuns, type LshJob } from '../objects/lsh-job.ts';
import { patchFor, viewOf } from './lsh-job-view.ts';

export interface RunEndLedgerOptions {
  api: KubeApi;
  /** The host of the runs, as recorded in `Run.host`. */
  host: string;
  traitsOf: (executor: Executor) => RunnerTraits;
  clockSteps: Pick<ClockSteps, 'look'>;
  /** What this home adds to the notices of its jobs; the leader sends them. */
  notices?: Pick<NoticeDesk, 'homeOf'>;
  /** Called in this order after each write. */
  onRecorded: readonly RecordedListener[];
}

/** The end of a run of this host, as its runner tells it. */
interface ReportedEnd {
  key: JobKey;
  end: RunEnd;
  /** Whether the end is of this run. */
  isOf: (run: Run) => boolean;
}

export class RunEndLedger {
  readonly #options: RunEndLedgerOptions;

  constructor(options: RunEndLedgerOptions) {
    this.#options = options;
  }

  /** Resolves once the ledger holds the end of the run, or does not wait for it. */
  async record(reported: ReportedEnd): Promise<void> {
    while (!(await this.#tryToRecord(reported)));
  }

  /** Returns false if the LshJob has changed meanwhile. */
  async #tryToRecord({ key, end, isOf }: ReportedEnd): Promise<boolean> {
    const lshJob = await this.#read(key);
    const runs = lshJob && readRuns(lshJob);
    if (!runs?.some((run) => isOf(run) && this.#waitsForEnd(run))) return true;
    const { host, traitsOf, clockSteps, onRecorded, notices } = this.#options;
    const { job } = readLshJob(lshJob!);
    const { now, ...clock } = clockSteps.look();
    const { change, events } = decideEnd(
      { job, runs, now, clock, traitsOf, host, notices: notices?.homeOf(job, now) },
      end,
    );
    const status = patchFor(viewOf(lshJob!, job, undefined), change);
    if (status === undefined) return true;
    if (!(await this.#write(lshJob!, status))) return false;
    for (const listener of onRecorded) listener({ key, job, change, events });
    return true;
  }

  #waitsForEnd({ phase, executor, host }: Run): boolean {
    return phase === 'Running' && this.#options.traitsOf(executor).hasHost && host === this.#options.host;
  }

  async #read(key: JobKey): Promise<LshJob | undefined> {
    const { namespace, name } = splitKey(key);
    try {
      return await this.#options.api.json<LshJob>({ path: lshJobPath(namespace, name) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #write({ metadata }: LshJob, status: object): Promise<boolean> {
    const { namespace, name, uid, resourceVersion } = metadata;
    try {
      await this.#options.api.request({
        method: 'PATCH',
        path: `${lshJobPath(namespace, name)}/status`,
        contentType: 'application/merge-patch+json',
        body: { metadata: { uid, resourceVersion }, status },
      });
      return true;
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return false;
      throw error;
    }
  }
}
