// The status part of the CustomResourceDefinition: every field of the types that the operator writes, checked
// by the compiler to be all of them.
import { EXECUTOR_NAMES } from '../../src/core/executor.ts';
import { JOB_PHASES } from '../../src/core/job.ts';
import { RUN_PHASES, RUN_TRIGGERS, SLOT_OUTCOMES } from '../../src/core/run.ts';
import type { OutcomeEntry } from '../../src/kubernetes/objects/lsh-job-outcomes.ts';
import type { LshJobStatus, RunEntry } from '../../src/kubernetes/objects/lsh-job-status.ts';
import type { CrdSchema } from './json-schema.ts';

const text = (description: string): CrdSchema => ({ type: 'string', description });
const time = (description: string): CrdSchema => ({ type: 'string', format: 'date-time', description });
const count = (description: string): CrdSchema => ({ type: 'integer', description });
const oneOf = (values: readonly string[], description: string): CrdSchema => ({
  type: 'string',
  enum: values,
  description,
});

const run: Record<keyof RunEntry, CrdSchema> = {
  name: text('Name of the run, and of its Kubernetes Job.'),
  job: text('Name of the job.'),
  slot: time('The instant at which the run was due.'),
  trigger: oneOf(RUN_TRIGGERS, 'Why there is a run.'),
  triggerId: text('Id of the manual trigger.'),
  requestedBy: text('Who asked for a manual run.'),
  attempt: count('1 for the first try, 2 for its first retry.'),
  executor: oneOf(EXECUTOR_NAMES, 'What runs the command.'),
  phase: oneOf(RUN_PHASES, 'How far the run is.'),
  reason: text('Why it ended as it did, or why it is being ended.'),
  message: text('The same in a sentence.'),
  createdAt: time('When the run was decided on.'),
  startAfter: time('The run does not start before this instant.'),
  startedAt: time('When its command started.'),
  finishedAt: time('When it ended.'),
  exitCode: count('Exit status of the command.'),
  signal: text('The signal that ended it.'),
  stopCause: text('Why it was told to end.'),
  host: text('The pod in which its process lives, for a shell run.'),
  outputTail: text('The end of what it wrote.'),
  outputBytes: { ...count('All bytes it wrote.'), format: 'int64' },
};

const outcome: Record<keyof OutcomeEntry, CrdSchema> = {
  from: time('First slot of the stretch.'),
  to: time('Last slot of the stretch.'),
  count: count('How many slots it has.'),
  outcome: oneOf(SLOT_OUTCOMES, 'What became of them.'),
  cause: text('Why, in one word.'),
};

const condition: Record<keyof LshJobStatus['conditions'][number], CrdSchema> = {
  type: text('Ready, Scheduled, Failing or HistorySynced.'),
  status: oneOf(['True', 'False', 'Unknown'], 'Whether the condition holds.'),
  reason: text('Why, in one word.'),
  message: text('Why, in a sentence.'),
  lastTransitionTime: time('Since when.'),
  observedGeneration: { ...count('Generation of the spec that this was judged by.'), format: 'int64' },
};

const totals: Record<keyof LshJobStatus['totals'], CrdSchema> = {
  completed: count('Runs that completed.'),
  failed: count('Runs that failed.'),
  killed: count('Runs that were ended.'),
  missed: count('Slots that passed without a run.'),
};

const runs = (description: string): CrdSchema => ({
  type: 'array',
  description,
  items: { type: 'object', required: ['name'], properties: run },
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
});

const status: Record<keyof LshJobStatus, CrdSchema> = {
  observedGeneration: { ...count('Generation of the spec that the status speaks of.'), format: 'int64' },
  phase: oneOf(JOB_PHASES, 'The job in one word.'),
  conditions: {
    type: 'array',
    description: 'What holds for the job, for kubectl wait.',
    items: { type: 'object', required: ['type', 'status'], properties: condition },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  },
  accountedUntil: time('Every slot at or before this instant has its outcome.'),
  observedSchedule: text('Fingerprint of the schedule that accountedUntil belongs to.'),
  nextScheduleTime: time('The next slot.'),
  lastScheduleTime: time('The newest slot that was given a run.'),
  lastSuccessfulTime: time('When a run last completed.'),
  lastFailureTime: time('When a run last failed.'),
  active: runs('Runs that have not ended.'),
  recentRuns: runs(
    'Runs that have ended, newest first, up to the history limits; and those that the team’s history lacks.',
  ),
  recentOutcomes: {
    type: 'array',
    description: 'Stretches of slots that passed without a run, newest first, the newest ones only.',
    items: { type: 'object', required: ['from', 'to', 'count', 'outcome'], properties: outcome },
    'x-kubernetes-list-type': 'atomic',
  },
  totals: { type: 'object', description: 'All runs so far.', properties: totals },
  lastHandledTrigger: text('The trigger annotation that was last acted upon.'),
};

/** Schema of `status`. */
export const STATUS_SCHEMA: CrdSchema = {
  type: 'object',
  description: 'What was observed; written by the operator.',
  properties: status,
};
