// What a CronJob does about failed and long runs: its Job tries pods again, an LshJob tries whole runs again.
import type { JobSpecInput } from '../../../core/job.ts';
import { within, type KubernetesJobSpec, type PodFailureRule, type Reading } from './reading.ts';

const MONTH_SECONDS = 30 * 86_400;
/** The Job controller’s: 10 s, doubled each time, six minutes at the most. */
const BACKOFF = { initialSeconds: 10, factor: 2, maxSeconds: 360 };
const BACKOFF_LIMIT_DEFAULT = 6;

/** The fields about failures and time limits. `container` is the one whose end is the end of the run. */
export function carriedRetry(reading: Reading, job: KubernetesJobSpec, container: string): JobSpecInput {
  const limit = within(reading, 'backoffLimit', job.backoffLimit ?? BACKOFF_LIMIT_DEFAULT, [0, 100]);
  const { activeDeadlineSeconds } = job;
  const neverAgain = finalExitCodes(reading, job, container);
  if (limit > 0) {
    reading.notes.push(
      `backoffLimit: ${limit} became retry.limit; each retry is a run and a Kubernetes Job of its own.`,
    );
  }
  if (limit > 0 && activeDeadlineSeconds !== undefined) {
    reading.notes.push(
      'activeDeadlineSeconds bounded all attempts together; timeoutSeconds bounds each of them.',
    );
  }
  return {
    retry: {
      limit,
      ...(limit > 0 && BACKOFF),
      ...(neverAgain.length > 0 && { notOnExitCodes: neverAgain }),
    },
    ...(activeDeadlineSeconds !== undefined && {
      timeoutSeconds: within(reading, 'activeDeadlineSeconds', activeDeadlineSeconds, [1, MONTH_SECONDS]),
    }),
  };
}

/** Exit codes that end the Job at once. */
function finalExitCodes(
  reading: Reading,
  { podFailurePolicy }: KubernetesJobSpec,
  container: string,
): number[] {
  const rules = podFailurePolicy?.rules ?? [];
  const isFinal = ({ action, onExitCodes }: PodFailureRule) =>
    action === 'FailJob' &&
    onExitCodes?.operator === 'In' &&
    (onExitCodes.containerName ?? container) === container;
  if (!rules.every(isFinal)) {
    reading.notes.push(
      'podFailurePolicy: only rules that fail the Job on exit codes are carried over; the others were left out.',
    );
  }
  return [...new Set(rules.filter(isFinal).flatMap(({ onExitCodes }) => onExitCodes?.values ?? []))];
}
