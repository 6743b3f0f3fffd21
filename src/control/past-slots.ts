// What the ledger's store knows of the slots of a new backfill. Read once for each request: decide() then plans the backfill,
// and the plan is part of the status.
import { pastSchedule, slotsOfRange, type PastSlots } from '../core/backfill/plan.ts';
import { LshError } from '../core/errors.ts';
import type { Job, JobKey } from '../core/job.ts';
import type { Schedule } from '../core/schedule/schedule.ts';
import type { Ledger } from './ports.ts';

export class PastSlotsOfBackfills {
  readonly #ledger: Pick<Ledger, 'pastOf'>;
  readonly #read = new Map<JobKey, { id: string; past: PastSlots }>();

  constructor(ledger: Pick<Ledger, 'pastOf'>) {
    this.#ledger = ledger;
  }

  /** Reads what the store knows; undefined if there is nothing to read. */
  ask(job: Job, schedule: Schedule | LshError): Promise<void> | undefined {
    const { key, backfill, status } = job;
    const isNew = backfill !== undefined && backfill.id !== status?.backfill?.id;
    if (!isNew || this.#ledger.pastOf === undefined || schedule instanceof LshError) return undefined;
    const slots = slotsIfValid(job, schedule);
    return this.#ledger.pastOf(job, slots).then((past) => {
      this.#read.set(key, { id: backfill.id, past });
    });
  }

  /** Returns the answer of ask() once. */
  take({ key, backfill }: Job): PastSlots | undefined {
    const read = this.#read.get(key);
    this.#read.delete(key);
    return read?.id === backfill?.id ? read?.past : undefined;
  }
}

/** decide() refuses an invalid range, with the reason. */
function slotsIfValid(job: Job, schedule: Schedule): number[] {
  try {
    return slotsOfRange(job.name, pastSchedule(schedule, job), job.backfill!);
  } catch (error) {
    if (error instanceof LshError) return [];
    throw error;
  }
}
