// Converts retries and time limits: the Job of a CronJob replaces pods, an LshJob repeats whole runs.
import type { JobSpecInput } from '../../../core/job.ts';
import { clamp, type KubernetesJobSpec, type PodFailureRule, type Findings } from './findings.ts';

const MONTH_SECONDS = 30 * 86_400;
/** The Job controller waits 10 s, doubles it each time, and stays below six minutes. */
const BACKOFF = { initialSeconds: 10, factor: 2, maxSeconds: 360 };
const BACKOFF_LIMIT_DEFAULT = 6;

/** Converts the fields about failures and time limits. The run ends with the container of that name. */
export function convertRetry(findings: Findings, job: KubernetesJobSpec, container: string): JobSpecInput {
  const limit = clamp(findings, 'backoffLimit', job.backoffLimit ?? BACKOFF_LIMIT_DEFAULT, [0, 100]);
  const { activeDeadlineSeconds } = job;
  const notOnExitCodes = finalExitCodes(findings, job, container);
  if (limit > 0) {
    findings.notes.push(
      `backoffLimit: ${limit} became retry.limit; each retry is a run and a Kubernetes Job of its own.`,
    );
  }
  if (limit > 0 && activeDeadlineSeconds !== undefined) {
    findings.notes.push(
      'activeDeadlineSeconds bounded all attempts together; timeoutSeconds bounds each of them.',
    );
  }
  return {
    retry: {
      limit,
      ...(limit > 0 && BACKOFF),
      ...(notOnExitCodes.length > 0 && { notOnExitCodes }),
    },
    ...(activeDeadlineSeconds !== undefined && {
      timeoutSeconds: clamp(findings, 'activeDeadlineSeconds', activeDeadlineSeconds, [1, MONTH_SECONDS]),
    }),
  };
}

/** The exit codes that fail the Job without a retry. */
function finalExitCodes(
  findings: Findings,
  { podFailurePolicy }: KubernetesJobSpec,
  container: string,
): number[] {
  const rules = podFailurePolicy?.rules ?? [];
  const isFinal = ({ action, onExitCodes }: PodFailureRule) =>
    action === 'FailJob' &&
    onExitCodes?.operator === 'In' &&
    (onExitCodes.containerName ?? container) === container;
  if (!rules.every(isFinal)) {
    findings.notes.push(
      'podFailurePolicy: only rules that fail the Job on exit codes are carried over; the others were left out.',
    );
  }
  return [...new Set(rules.filter(isFinal).flatMap(({ onExitCodes }) => onExitCodes?.values ?? []))];
}
