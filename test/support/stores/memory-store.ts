// A JobStore and RunStore in memory. It copies every value on its way in and out.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { JobStore, RunQuery, RunStats, RunStore, SlotQuery } from '../../../src/contracts/stores.ts';
import type { LedgerChange } from '../../../src/core/decide/decide.ts';
import { LshError } from '../../../src/core/errors.ts';
import type { Job, JobKey } from '../../../src/core/job.ts';
import { isActive, isFinished, type Run, type SlotRecord } from '../../../src/core/run.ts';

const WITHOUT_RUN = new Set(['Missed', 'Forbidden', 'DeadlineExceeded']);

const newestFirst = (a: Run, b: Run) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1);

export class MemoryStore implements JobStore, RunStore {
  readonly #jobs = new Map<JobKey, Job>();
  readonly #runs = new Map<string, Run>();
  readonly #slots = new Map<string, SlotRecord>();

  async jobs(): Promise<Job[]> {
    return structuredClone([...this.#jobs.values()].sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  async putJob(job: Job): Promise<void> {
    const copy = structuredClone(job);
    await nextTurn();
    const known = this.#jobs.get(job.key);
    this.#jobs.set(job.key, { ...copy, status: known?.uid === job.uid ? known.status : undefined });
  }

  async removeJob(key: JobKey): Promise<void> {
    await nextTurn();
    this.#jobs.delete(key);
  }

  async commit(key: JobKey, change: LedgerChange): Promise<void> {
    const { runs, slots, status } = structuredClone(change);
    await nextTurn();
    for (const run of runs) this.#refuseReopening(run);
    for (const run of runs) this.#runs.set(run.name, run);
    for (const slot of slots) this.#slots.set(`${slot.job} ${slot.from}`, slot);
    const job = this.#jobs.get(key);
    if (job !== undefined && status !== undefined) this.#jobs.set(key, { ...job, status });
  }

  async current(finishedPerJob: number): Promise<Run[]> {
    const all = [...this.#runs.values()].sort(newestFirst);
    const good = Map.groupBy(
      all.filter((run) => run.phase === 'Completed'),
      (run) => run.job,
    );
    const bad = Map.groupBy(
      all.filter((run) => isFinished(run) && run.phase !== 'Completed'),
      (run) => run.job,
    );
    const finished = [...good.values(), ...bad.values()].flatMap((runs) => runs.slice(0, finishedPerJob));
    return structuredClone([...all.filter(isActive), ...finished]);
  }

  async run(name: string): Promise<Run | undefined> {
    return structuredClone(this.#runs.get(name));
  }

  async runs({ job, phases, since = 0, limit = 50 }: RunQuery): Promise<Run[]> {
    const found = [...this.#runs.values()]
      .filter((run) => job === undefined || run.job === job)
      .filter((run) => phases === undefined || phases.includes(run.phase))
      .filter((run) => run.createdAt >= since);
    return structuredClone(found.sort(newestFirst).slice(0, limit));
  }

  async slots({ job, from, to, notRun = false, limit = 50 }: SlotQuery): Promise<SlotRecord[]> {
    const found = [...this.#slots.values()].filter(
      (slot) => slot.job === job && slot.from <= to && slot.to >= from && !(notRun && slot.outcome === 'Ran'),
    );
    return structuredClone(found.sort((a, b) => b.from - a.from).slice(0, limit));
  }

  async oldestSlot(job: JobKey): Promise<SlotRecord | undefined> {
    const [oldest] = [...this.#slots.values()]
      .filter((slot) => slot.job === job)
      .sort((a, b) => a.from - b.from);
    return structuredClone(oldest);
  }

  async stats({ job, since = 0 }: { job?: JobKey; since?: number }): Promise<RunStats[]> {
    const runs = [...this.#runs.values()].filter((run) => run.createdAt >= since);
    const slots = [...this.#slots.values()].filter((slot) => slot.to >= since);
    const keys = [...new Set([...runs, ...slots].map((each) => each.job))].sort();
    return keys
      .filter((key) => job === undefined || key === job)
      .map((key) =>
        statsOf(
          key,
          runs.filter((run) => run.job === key).sort(newestFirst),
          slots.filter((slot) => slot.job === key),
        ),
      );
  }

  async prune(before: number): Promise<string[]> {
    await nextTurn();
    for (const [id, slot] of this.#slots) if (slot.to < before) this.#slots.delete(id);
    const old = [...this.#runs.values()].filter(
      (run) => isFinished(run) && (run.finishedAt ?? run.createdAt) < before,
    );
    for (const run of old) this.#runs.delete(run.name);
    return old.map((run) => run.name);
  }

  #refuseReopening(run: Run): void {
    const known = this.#runs.get(run.name);
    if (known !== undefined && isFinished(known) && isActive(run)) {
      throw new LshError('RUN_FINISHED', { name: run.name });
    }
  }
}

function statsOf(job: JobKey, runs: Run[], slots: SlotRecord[]): RunStats {
  const count = (phase: string) => runs.filter((run) => run.phase === phase).length;
  const recent = runs
    .filter(isFinished)
    .filter((run) => run.startedAt !== undefined && run.finishedAt !== undefined)
    .map((run) => (run.finishedAt ?? 0) - (run.startedAt ?? 0));
  const sorted = recent.toSorted((a, b) => a - b);
  const sum = sorted.reduce((total, ms) => total + ms, 0);
  return {
    job,
    completed: count('Completed'),
    failed: count('Failed'),
    killed: count('Killed'),
    missed: slots
      .filter((slot) => WITHOUT_RUN.has(slot.outcome))
      .reduce((total, slot) => total + slot.count, 0),
    averageMs: sorted.length === 0 ? undefined : Math.round(sum / sorted.length),
    p95Ms: sorted[Math.ceil(sorted.length * 0.95) - 1],
    recentDurationsMs: recent.slice(0, 30).reverse(),
    firstRunAt: runs.at(-1)?.createdAt,
    lastRunAt: runs[0]?.createdAt,
  };
}
