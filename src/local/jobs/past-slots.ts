// What the store knows of past slots of a job. The names of their runs follow from the slots, so each is one look-up.
import type { RunStore } from '../../contracts/stores.ts';
import type { PastSlots } from '../../core/backfill/plan.ts';
import type { Job } from '../../core/job.ts';
import { slotRunName } from '../../core/naming.ts';
import type { Run } from '../../core/run.ts';

/** More stretches than the slots of a backfill have: each holds a slot of the present schedule or of one before. */
const STRETCHES_MAX = 100_000;

/** The last attempt of each slot, since when none is missing, and the stretches without a run. */
export async function pastSlots(
  store: Pick<RunStore, 'run' | 'slots' | 'oldestSlot'>,
  { key, name }: Pick<Job, 'key' | 'name'>,
  slots: readonly number[],
): Promise<PastSlots> {
  const [from, to] = [slots[0], slots.at(-1)];
  if (from === undefined || to === undefined) return { closed: [], runs: [] };
  const runs: Run[] = [];
  for (const slot of slots) {
    const last = await lastAttempt(store, name, slot);
    if (last !== undefined) runs.push(last);
  }
  const closed = await store.slots({ job: key, from, to, notRun: true, limit: STRETCHES_MAX });
  const oldest = await store.oldestSlot(key);
  return { closed, runs, ...(oldest && { completeFrom: oldest.to }) };
}

async function lastAttempt(
  store: Pick<RunStore, 'run'>,
  name: string,
  slot: number,
): Promise<Run | undefined> {
  let last: Run | undefined;
  for (let attempt = 1; ; attempt++) {
    const run = await store.run(slotRunName(name, slot, attempt));
    if (run === undefined) return last;
    last = run;
  }
}
