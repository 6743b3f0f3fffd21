// Converts retries and time limits: the Job of a CronJob replaces pods, an LshJob repeats whole runs.
import type { JobSpecInput } from '../../../core/spec/job-spec.ts';
import { DISRUPTION_CONDITION } from '../kube-job.ts';
import { clamp, type KubernetesJobSpec, type PodFailureRule, type Findings } from './findings.ts';

const MONTH_SECONDS = 30 * 86_400;
/** The Job controller waits 10 s, doubles it each time, and stays below six minutes. */
const BACKOFF = { initialSeconds: 10, factor: 2, maxSeconds: 360 };
const BACKOFF_LIMIT_DEFAULT = 6;
/** The most that retry.disruptions takes, for a Job that ignores every disruption. */
const DISRUPTIONS_MAX = 100;

/** Converts the fields about failures and time limits. The run ends with the container of that name. */
export function convertRetry(findings: Findings, job: KubernetesJobSpec, container: string): JobSpecInput {
  const limit = clamp(findings, 'backoffLimit', job.backoffLimit ?? BACKOFF_LIMIT_DEFAULT, [0, 100]);
  const { activeDeadlineSeconds } = job;
  const { notOnExitCodes, disruptions } = failurePolicy(findings, job, container);
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
      ...(disruptions !== undefined && { disruptions }),
    },
    ...(activeDeadlineSeconds !== undefined && {
      timeoutSeconds: clamp(findings, 'activeDeadlineSeconds', activeDeadlineSeconds, [1, MONTH_SECONDS]),
    }),
  };
}

interface FailurePolicy {
  /** The exit codes that fail the Job without a retry. */
  notOnExitCodes: number[];
  /** How often a Pod is replaced that the cluster took away; undefined if no rule is about it. */
  disruptions: number | undefined;
}

function failurePolicy(
  findings: Findings,
  { podFailurePolicy }: KubernetesJobSpec,
  container: string,
): FailurePolicy {
  const rules = podFailurePolicy?.rules ?? [];
  const isFinal = ({ action, onExitCodes }: PodFailureRule) =>
    action === 'FailJob' &&
    onExitCodes?.operator === 'In' &&
    (onExitCodes.containerName ?? container) === container;
  if (!rules.every((rule) => isFinal(rule) || disruptionsOf(rule) !== undefined)) {
    findings.notes.push(
      'podFailurePolicy: only rules about disruptions, and rules that fail the Job on exit codes, are carried over; the others were left out.',
    );
  }
  const disruptions = rules.map(disruptionsOf).find((count) => count !== undefined);
  if (disruptions !== undefined)
    findings.notes.push(`podFailurePolicy on DisruptionTarget became retry.disruptions: ${disruptions}.`);
  return {
    notOnExitCodes: [
      ...new Set(rules.filter(isFinal).flatMap(({ onExitCodes }) => onExitCodes?.values ?? [])),
    ],
    disruptions,
  };
}

/** The limit that the rule sets for disruptions; undefined for any other rule. */
function disruptionsOf({ action, onPodConditions = [] }: PodFailureRule): number | undefined {
  const isAboutThem = onPodConditions.some(
    ({ type, status = 'True' }) => type === DISRUPTION_CONDITION && status === 'True',
  );
  if (!isAboutThem) return undefined;
  return { Ignore: DISRUPTIONS_MAX, FailJob: 0 }[action ?? ''];
}
