// Which runs hold the places of a concurrency group, from the documents that people see: the answer is of now, so it stands
// in no record.
import type { JobDocument } from '../../document.ts';
import { isUnderWay } from '../../run.ts';

export interface GroupView {
  name: string;
  /** Most active runs: the smallest number that a job of the group names. */
  max: number;
  /** Names of the active runs, oldest first. */
  holders: string[];
}

/** The group of the job among all jobs of its home; undefined for a job without one. */
export function groupView(job: JobDocument, jobs: readonly JobDocument[]): GroupView | undefined {
  const { concurrencyGroup: group } = job.spec;
  if (group === undefined) return undefined;
  const members = [job, ...jobs.filter((other) => isOther(other, job))].filter(
    ({ spec }) => spec.concurrencyGroup?.name === group.name,
  );
  const active = members.flatMap(({ status }) => status?.active ?? []).filter(isUnderWay);
  return {
    name: group.name,
    max: Math.min(...members.map(({ spec }) => spec.concurrencyGroup?.max ?? group.max)),
    holders: active
      .toSorted((a, b) => ((a.startedAt ?? a.createdAt) < (b.startedAt ?? b.createdAt) ? -1 : 1))
      .map(({ name }) => name),
  };
}

function isOther({ metadata: a }: JobDocument, { metadata: b }: JobDocument): boolean {
  return a.namespace === b.namespace && a.name !== b.name;
}

/** Whether a run of the job waits for its group: decide() leaves a message on such a run. */
export function waitsForGroup({ spec, status }: JobDocument): boolean {
  if (spec.concurrencyGroup === undefined) return false;
  return (status?.active ?? []).some(({ phase, message }) => phase === 'Created' && message !== undefined);
}

/** `concurrency group deploy, where backup-t86pdo is active (max 1)`. */
export function groupText({ name, max, holders }: GroupView): string {
  const held = holders.length === 0 ? '' : `, where ${listed(holders)} active (max ${max})`;
  return `concurrency group ${name}${held}`;
}

/** Runs named in full: a group may have a thousand. */
const NAMED = 3;

function listed(runs: readonly string[]): string {
  const more = runs.length > NAMED ? ` and ${runs.length - NAMED} more` : '';
  return `${runs.slice(0, NAMED).join(', ')}${more} ${runs.length === 1 ? 'is' : 'are'}`;
}
