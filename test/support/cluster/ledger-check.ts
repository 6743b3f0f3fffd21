// The check of "exactly once": finds doubled, lost and invented runs in everything that the API server ever showed of one
// LshJob and its Kubernetes Jobs. Pure; one sentence per finding.
import type { OutcomeEntry } from '../../../src/kubernetes/objects/lsh-job-outcomes.ts';
import type { LshJobStatus, RunEntry } from '../../../src/kubernetes/objects/lsh-job-status.ts';

/** Everything that the API server ever showed of one LshJob that is due each second. */
export interface Account {
  name: string;
  /** Each whole second after `after`, up to and including `until`, is a slot; milliseconds. */
  after: number;
  until: number;
  runs: readonly RunEntry[];
  outcomes: readonly OutcomeEntry[];
  /** Real executions, one entry each: Jobs by uid, or lines that commands wrote. */
  executions: readonly { run: string; slot: number }[];
  /** The newest status. */
  status: Partial<LshJobStatus> | undefined;
}

const SECOND = 1000;

/** Whether every slot has its outcome and every run its end. */
export function isComplete(account: Account): boolean {
  return account.status?.active?.length === 0 && unaccounted(account).length === 0;
}

/** Slots with neither a run nor an outcome, milliseconds. */
function unaccounted(account: Account): number[] {
  const results = outcomesOf(account);
  const first = Math.floor(account.after / SECOND) * SECOND + SECOND;
  const slots = Array.from(
    { length: Math.max(0, Math.floor((account.until - first) / SECOND) + 1) },
    (_, index) => first + index * SECOND,
  );
  return slots.filter((slot) => !results.has(slot));
}

/** The faults of the account. */
export function findings(account: Account): string[] {
  const { name, runs, outcomes, executions, status } = account;
  const { totals, active } = status ?? {};
  const recorded = new Set(runs.map(({ name }) => name));
  const executed = new Set(executions.map(({ run }) => run));
  const missed = outcomes.reduce((sum, { count }) => sum + count, 0);
  const counted = totals && totals.completed + totals.failed + totals.killed;
  const faults = [
    ...unaccounted(account).map((slot) => `${at(slot)} has neither a run nor an outcome`),
    ...[...outcomesOf(account)]
      .filter(([, results]) => results.length > 1)
      .map(([slot, results]) => `${at(slot)} has ${results.join(' and ')}`),
    ...repeated(executions.map(({ run }) => run)).map((run) => `${run} was executed twice`),
    ...repeated(executions.map(({ slot }) => at(slot))).map((slot) => `${slot} was executed twice`),
    ...executions
      .filter(({ run }) => !recorded.has(run))
      .map(
        ({ run, slot }) =>
          `${run} has no record; its slot has ${outcomesOf(account).get(slot)?.join() ?? 'nothing'}`,
      ),
    ...runs
      .filter((run) => !executed.has(run.name) && !isExplained(run))
      .map((run) => `${run.name} is invented: ${JSON.stringify(run)}`),
    ...(counted === runs.length ? [] : [`${runs.length} runs are recorded, ${counted} are counted`]),
    ...(totals?.missed === missed ? [] : [`${missed} slots are missed, ${totals?.missed} are counted`]),
    ...(active?.length === 0 ? [] : [`${active?.length} runs have not ended`]),
  ];
  return faults.map((finding) => `${name}: ${finding}`);
}

/**
 * A run without an execution must be lost, with its reason, or killed before its start. A stopped shell may have written
 * no line.
 */
function isExplained({ executor, phase, reason, message, startedAt }: RunEntry): boolean {
  if (reason === 'Lost') return message !== undefined;
  if (executor === 'Shell' && phase === 'Killed') return reason !== undefined;
  return phase === 'Killed' && reason !== undefined && startedAt === undefined;
}

/** The outcomes of each slot; more than one is a contradiction. */
function outcomesOf({ runs, outcomes }: Pick<Account, 'runs' | 'outcomes'>): Map<number, string[]> {
  const results = new Map<number, string[]>();
  const add = (slot: number, result: string) => results.set(slot, [...(results.get(slot) ?? []), result]);
  for (const { slot, name } of runs) add(Date.parse(slot), `the run ${name}`);
  for (const { from, to, outcome } of outcomes)
    for (let slot = Date.parse(from); slot <= Date.parse(to); slot += SECOND)
      add(slot, `the outcome ${outcome}`);
  return results;
}

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>();
  return values.filter((value) => seen.has(value) || !seen.add(value));
}

function at(slot: number): string {
  return new Date(slot).toISOString();
}
