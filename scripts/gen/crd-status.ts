// The status schema of the CustomResourceDefinition. The compiler checks that it has every field that the operator
// writes.
import { EXECUTOR_NAMES } from '../../src/core/executor.ts';
import { BACKFILL_PHASES } from '../../src/core/backfill/backfill.ts';
import { JOB_PHASES, type ShownCalendar } from '../../src/core/job.ts';
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
  pass: count('2 and more if the clock was set back and passed the slot again.'),
  trigger: oneOf(RUN_TRIGGERS, 'Why the operator created the run.'),
  triggerId: text('Id of the manual trigger, or of the backfill.'),
  requestedBy: text('User who requested the manual run or the backfill.'),
  cause: {
    type: 'object',
    description: 'The run whose end started this one.',
    properties: { job: text('Name of its LshJob.'), run: text('Name of its last attempt.') },
  },
  endNumber: count('The how-manieth end of the LshJob this run was, if other LshJobs follow it.'),
  attempt: count('1 for the first try, 2 for its first retry.'),
  disruptions: count('How many earlier attempts were Disrupted.'),
  firstAttempt: count('The attempt with which a backfill ran the slot again.'),
  specChanges: count('How many earlier attempts ended because the spec changed.'),
  executor: oneOf(EXECUTOR_NAMES, 'Executor of the command.'),
  phase: oneOf(RUN_PHASES, 'Phase of the run.'),
  reason: text('Why the run ended as it did, or why the operator is stopping it.'),
  message: text('The reason in a sentence.'),
  createdAt: time('When the operator created the run.'),
  startAfter: time('The run does not start before this instant.'),
  startedAt: time('When the command started.'),
  finishedAt: time('When the run ended.'),
  exitCode: count('Exit status of the command.'),
  signal: text('Signal that ended the command.'),
  stopCause: text('Why the operator is stopping the run.'),
  host: text('Pod of the process of a shell run, as namespace/name.'),
  outputTail: text('End of the output.'),
  outputBytes: { ...count('Size of the whole output in bytes.'), format: 'int64' },
  secretsVersion: text('Version of the lsh secrets of a shell run, such as prod@7.'),
};

const outcome: Record<keyof OutcomeEntry, CrdSchema> = {
  from: time('First slot of the stretch.'),
  to: time('Last slot of the stretch.'),
  count: count('Number of slots in the stretch.'),
  pass: count('2 and more if the clock was set back and passed the slots again.'),
  outcome: oneOf(SLOT_OUTCOMES, 'Outcome of the slots.'),
  cause: text('Cause of the outcome, in one word.'),
  recordedAt: time('When the operator evaluated the slots.'),
};

const condition: Record<keyof LshJobStatus['conditions'][number], CrdSchema> = {
  type: text('Ready, Scheduled, Failing, Overdue, Slow or HistorySynced.'),
  status: oneOf(['True', 'False', 'Unknown'], 'Whether the condition holds.'),
  reason: text('Reason for the status, in one word.'),
  message: text('Reason for the status, in a sentence.'),
  lastTransitionTime: time('Since when.'),
  observedGeneration: { ...count('Generation of the spec that the condition describes.'), format: 'int64' },
};

const totals: Record<keyof LshJobStatus['totals'], CrdSchema> = {
  completed: count('Runs that completed.'),
  failed: count('Runs that failed.'),
  killed: count('Runs that the operator or a user stopped.'),
  missed: count('Slots that passed without a run.'),
};

const clockEffect: Record<keyof NonNullable<LshJobStatus['clockEffect']>, CrdSchema> = {
  shiftSeconds: count('Intervals count from the creation of the LshJob plus this.'),
  intervalsAfter: time('No slot of an interval lies at or before this instant.'),
  wildcardsAfter: time('No slot of a pattern that follows real time lies at or before this instant.'),
  fixedTimesAfter: time('No slot of a fixed time lies at or before this instant.'),
  pass: count('Which time the clock passes the slots up to passUntil.'),
  passUntil: time('The latest time that the clock has shown.'),
};

const notices: Record<keyof NonNullable<LshJobStatus['notices']>, CrdSchema> = {
  failures: count('Slots in a row that failed, each after its last attempt.'),
  told: {
    type: 'object',
    description: 'When each channel last heard of these failures.',
    additionalProperties: { type: 'string', format: 'date-time' },
  },
  stuck: text('Run that was last told to be stuck.'),
};

const calendar: Record<keyof ShownCalendar, CrdSchema> = {
  name: text('Name of the calendar.'),
  dates: {
    type: 'array',
    description: 'Dates, and ranges of dates with a slash.',
    items: { type: 'string' },
  },
};

const range = {
  from: time('First instant.'),
  to: time('Last instant, included.'),
};

type ShownBackfill = NonNullable<LshJobStatus['backfill']>;

const pending: Record<keyof ShownBackfill['pending'][number], CrdSchema> = {
  ...range,
  count: count('Number of slots.'),
  attempt: count('Number of the attempt, of a slot that had runs before.'),
};

const backfill: Record<keyof ShownBackfill, CrdSchema> = {
  id: text('Id of the request.'),
  ...range,
  phase: oneOf(BACKFILL_PHASES, 'State of the backfill in one word.'),
  message: text('Why it was cancelled or refused.'),
  parallel: count('Most of its runs that are active at a time.'),
  failedOnly: { type: 'boolean', description: 'Whether it runs only slots again whose last run failed.' },
  requestedBy: text('User who requested it.'),
  slots: count('How many slots it runs.'),
  completed: count('How many of them ended with a completed run.'),
  failed: count('How many of them ended otherwise.'),
  pending: {
    type: 'array',
    description: 'Slots that have no run of it yet, oldest first.',
    items: { type: 'object', required: ['from', 'to', 'count'], properties: pending },
    'x-kubernetes-list-type': 'atomic',
  },
  startedAt: time('When the operator took in the request.'),
  finishedAt: time('When it ended.'),
};

const runs = (description: string): CrdSchema => ({
  type: 'array',
  description,
  items: { type: 'object', required: ['name'], properties: run },
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
});

const status: Record<keyof LshJobStatus, CrdSchema> = {
  observedGeneration: { ...count('Generation of the spec that the status describes.'), format: 'int64' },
  phase: oneOf(JOB_PHASES, 'State of the job in one word.'),
  conditions: {
    type: 'array',
    description: 'Conditions of the job, for kubectl wait.',
    items: { type: 'object', required: ['type', 'status'], properties: condition },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  },
  accountedUntil: time('Every slot at or before this instant has its outcome.'),
  observedSchedule: text('Fingerprint of the schedule that accountedUntil belongs to.'),
  nextScheduleTime: time('The next slot.'),
  lastScheduleTime: time('Newest slot that has a run.'),
  lastSuccessfulTime: time('When a run last completed.'),
  lastFailureTime: time('When a run last failed.'),
  durationsMs: {
    type: 'array',
    description: 'Durations of the newest completed runs in milliseconds, oldest first.',
    items: { type: 'integer', format: 'int64' },
    'x-kubernetes-list-type': 'atomic',
  },
  active: runs('Runs that have not ended.'),
  recentRuns: runs(
    'Ended runs, newest first, up to the history limits, and all runs that the team’s history has not recorded yet.',
  ),
  recentOutcomes: {
    type: 'array',
    description: 'Newest stretches of slots that passed without a run, newest first.',
    items: { type: 'object', required: ['from', 'to', 'count', 'outcome'], properties: outcome },
    'x-kubernetes-list-type': 'atomic',
  },
  backfill: { type: 'object', description: 'The newest backfill.', properties: backfill },
  backfilled: {
    type: 'array',
    description: 'Ranges whose slots have had their backfill, oldest first.',
    items: { type: 'object', required: ['from', 'to'], properties: range },
    'x-kubernetes-list-type': 'atomic',
  },
  ends: count('How many ends of the LshJob have a number; absent until another LshJob follows it.'),
  after: {
    type: 'array',
    description: 'How far the ends of other LshJobs have been followed.',
    items: {
      type: 'object',
      required: ['job', 'handled'],
      properties: {
        job: text('Name of the other LshJob.'),
        uid: text('Uid of the other LshJob.'),
        handled: count('Its ends up to this number need no run any more.'),
      },
    },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['job'],
  },
  totals: { type: 'object', description: 'Totals of all runs.', properties: totals },
  lastHandledTrigger: text('Last trigger annotation that the operator handled.'),
  clockEffect: {
    type: 'object',
    description: 'What steps of the operator’s clock did to the schedule, while that matters.',
    properties: clockEffect,
  },
  notices: {
    type: 'object',
    description: 'What the job remembers of its notices.',
    properties: notices,
  },
  pendingNotices: {
    type: 'array',
    description: 'Notices that channels have still to hear of, oldest first.',
    items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    'x-kubernetes-list-type': 'atomic',
  },
  calendars: {
    type: 'array',
    description: 'The days of the calendars of the LshJob, in this year and the next.',
    items: { type: 'object', required: ['name', 'dates'], properties: calendar },
    'x-kubernetes-list-type': 'atomic',
  },
};

/** Schema of `status`. */
export const STATUS_SCHEMA: CrdSchema = {
  type: 'object',
  description: 'Observed state; the operator writes it.',
  properties: status,
};
