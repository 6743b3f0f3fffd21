// The judge of "exactly once": from all that was ever shown of one LshJob and of its Kubernetes Jobs, whatever is
// doubled, lost or invented. Pure; one sentence for each finding, none for a clean ledger.
import type { OutcomeEntry } from '../../../src/kubernetes/objects/lsh-job-outcomes.ts';
import type { LshJobStatus, RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';

/** All that was ever shown of one LshJob with a schedule of every second. */
export interface Account {
  name: string;
  /** Instants between which each whole second is a slot: after the one, up to and including the other. */
  after: number;
  until: number;
  runs: readonly RunEntry[];
  outcomes: readonly OutcomeEntry[];
  /** Executions that really happened, each as often as it did: Jobs by uid, or lines that commands wrote. */
  executions: readonly { run: string; slot: number }[];
  /** The newest one. */
  status: Partial<LshJobStatus> | undefined;
}

const SECOND = 1000;

/** Whether every slot has its fate and every run its end. */
export function isSettled(account: Account): boolean {
  return account.status?.active?.length === 0 && unaccounted(account).length === 0;
}

/** Slots of the account, as milliseconds, that have neither a run nor an outcome. */
function unaccounted(account: Account): number[] {
  const fates = fatesOf(account);
  const first = Math.floor(account.after / SECOND) * SECOND + SECOND;
  const slots = Array.from(
    { length: Math.max(0, Math.floor((account.until - first) / SECOND) + 1) },
    (_, index) => first + index * SECOND,
  );
  return slots.filter((slot) => !fates.has(slot));
}

/** What is wrong with the account. */
export function findings(account: Account): string[] {
  const { name, runs, outcomes, executions, status } = account;
  const { totals, active } = status ?? {};
  const recorded = new Set(runs.map(({ name }) => name));
  const executed = new Set(executions.map(({ run }) => run));
  const missed = outcomes.reduce((sum, { count }) => sum + count, 0);
  const counted = totals && totals.completed + totals.failed + totals.killed;
  const wrong = [
    ...unaccounted(account).map((slot) => `${at(slot)} has neither a run nor an outcome`),
    ...[...fatesOf(account)]
      .filter(([, fates]) => fates.length > 1)
      .map(([slot, fates]) => `${at(slot)} has ${fates.join(' and ')}`),
    ...repeated(executions.map(({ run }) => run)).map((run) => `${run} was executed twice`),
    ...repeated(executions.map(({ slot }) => at(slot))).map((slot) => `${slot} was executed twice`),
    ...executions
      .filter(({ run }) => !recorded.has(run))
      .map(
        ({ run, slot }) =>
          `${run} has no record; its slot has ${fatesOf(account).get(slot)?.join() ?? 'nothing'}`,
      ),
    ...runs
      .filter((run) => !executed.has(run.name) && !isExplained(run))
      .map((run) => `${run.name} is invented: ${JSON.stringify(run)}`),
    ...(counted === runs.length ? [] : [`${runs.length} runs are recorded, ${counted} are counted`]),
    ...(totals?.missed === missed ? [] : [`${missed} slots are missed, ${totals?.missed} are counted`]),
    ...(active?.length === 0 ? [] : [`${active?.length} runs have not ended`]),
  ];
  return wrong.map((finding) => `${name}: ${finding}`);
}

/**
 * A run that was never executed must say that it never began, or that it is lost, and why. A shell that was told to end
 * may have come to none of its lines.
 */
function isExplained({ executor, phase, reason, message, startedAt }: RunEntry): boolean {
  if (reason === 'Lost') return message !== undefined;
  if (executor === 'Shell' && phase === 'Killed') return reason !== undefined;
  return phase === 'Killed' && reason !== undefined && startedAt === undefined;
}

/** What became of each slot; more than one entry is a contradiction. */
function fatesOf({ runs, outcomes }: Pick<Account, 'runs' | 'outcomes'>): Map<number, string[]> {
  const fates = new Map<number, string[]>();
  const add = (slot: number, fate: string) => fates.set(slot, [...(fates.get(slot) ?? []), fate]);
  for (const { slot, name } of runs) add(Date.parse(slot), `the run ${name}`);
  for (const { from, to, outcome } of outcomes)
    for (let slot = Date.parse(from); slot <= Date.parse(to); slot += SECOND)
      add(slot, `the outcome ${outcome}`);
  return fates;
}

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>();
  return values.filter((value) => seen.has(value) || !seen.add(value));
}

function at(slot: number): string {
  return new Date(slot).toISOString();
}
