// Requests about job definitions: validated here, at the boundary, and written by the job source.
import type { PutResult } from '../../contracts/job-api.ts';
import type { Calendars } from '../../control/ports.ts';
import type { ClockSteps } from '../../control/clock-steps.ts';
import { afterStep, effectOn } from '../../core/decide/clock-step.ts';
import { jobDocument, type JobDocument } from '../../core/document.ts';
import { LshError } from '../../core/errors.ts';
import type { Job } from '../../core/job.ts';
import type { JobSpec } from '../../core/spec/job-spec.ts';
import { LOCAL_NAMESPACE, jobKey, splitKey } from '../../core/naming.ts';
import { jobNotFound } from '../../core/closest.ts';
import type { CalendarDays } from '../../core/schedule/days/day-rules.ts';
import { jobSchedule } from '../../core/schedule/job-schedule.ts';
import { outlook, type Outlook } from '../../core/schedule/next-slots.ts';
import { changeable } from '../../core/record/job-record.ts';
import { isActive } from '../../core/run.ts';
import { specChanges } from '../../core/validate/spec-changes.ts';
import { withPlatformDefaults } from '../../core/validate/defaults.ts';
import { requireComing } from '../../core/validate/schedule-rules.ts';
import { parseManifest } from '../../core/validate/validate.ts';
import { redefined, type JobDefinition, type PutOutcome, type StoreJobSource } from '../jobs/job-source.ts';
import type { Handlers } from '../socket/server.ts';

export interface JobHandlerOptions {
  source: StoreJobSource;
  clock: Pick<ClockSteps, 'look'>;
  /** IANA zone of jobs without a timeZone. */
  timeZone: () => string;
  calendars: Calendars;
  /** Returns warnings about the command of a job; throws COMMAND_REFUSED for a command that must not run. */
  checkCommand: (spec: JobSpec, name: string) => string[];
  /** Returns warnings about the channels of a job. */
  checkChannels: (spec: JobSpec) => Promise<string[]>;
}

type JobHandlers = Pick<Handlers, 'job.put' | 'job.list' | 'job.get' | 'job.remove' | 'job.suspend'>;

/** The handlers of the commands that read and change definitions. */
export function jobHandlers(options: JobHandlerOptions): JobHandlers {
  const { source } = options;
  const document = (job: Job): JobDocument => jobDocument(job, source.runsOf(job.key));
  return {
    'job.put': async ({ job, dryRun }) => {
      const { metadata, spec: checked } = parseManifest(job, 'local');
      const spec = withPlatformDefaults(checked, 'local', { timeZone: options.timeZone() });
      const command = options.checkCommand(spec, metadata.name);
      const warnings = [
        ...command,
        ...(await relatedTo(metadata.name, spec, source)),
        ...(await options.checkChannels(spec)),
      ];
      await requireCalendars(options.calendars, spec);
      const known = source.get(jobKey(LOCAL_NAMESPACE, metadata.name));
      requireComing(spec, known?.spec, options.clock.look().now);
      const definition = { ...metadata, namespace: LOCAL_NAMESPACE, spec };
      const outcome = dryRun ? preview(options, definition) : await source.put(definition);
      return putResult(outcome, {
        warnings,
        document,
        calendars: options.calendars,
        clock: options.clock.look(),
      });
    },
    'job.list': async ({ tags = [] }) =>
      [...source.keys()]
        .map((key) => source.get(key))
        .filter((job) => job !== undefined && tags.every((tag) => job.spec.tags.includes(tag)))
        .map((job) => document(job as Job))
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)),
    'job.get': async ({ name }) => document(knownJob(source, name)),
    'job.remove': async ({ name }) => {
      const { key } = knownJob(source, name);
      const stopped = source.runsOf(key).filter(isActive);
      await source.remove(key);
      const { removalWarnings } = await import('../../core/decide/related/warnings.ts');
      const warnings = removalWarnings(name, jobsOf(source));
      return { stopped: stopped.map((run) => run.name), warnings };
    },
    'job.suspend': async ({ name, ...suspension }) => {
      const outcome = await source.suspend(knownJob(source, name).key, suspension);
      return putResult(outcome, {
        warnings: [],
        document,
        calendars: options.calendars,
        clock: options.clock.look(),
      });
    },
  };
}

/** Loaded for jobs that name others alone. */
async function relatedTo(name: string, spec: JobSpec, source: StoreJobSource): Promise<string[]> {
  if (spec.after === undefined && spec.concurrencyGroup === undefined) return [];
  const { relatedWarnings } = await import('../../core/decide/related/warnings.ts');
  return relatedWarnings({ name, spec }, jobsOf(source));
}

function jobsOf(source: StoreJobSource): Job[] {
  return [...source.keys()].map((key) => source.get(key)).filter((job) => job !== undefined);
}

/** Throws JOB_NOT_FOUND for an unknown name. */
export function knownJob(source: StoreJobSource, name: string): Job {
  const job = source.get(jobKey(LOCAL_NAMESPACE, name));
  if (job === undefined) throw jobNotFound(name, namesOf(source));
  return job;
}

function namesOf(source: StoreJobSource): string[] {
  return [...source.keys()].filter((key) => source.get(key) !== undefined).map((key) => splitKey(key).name);
}

/** The outcome of put() without the write, for a dry run. */
function preview({ source, clock }: JobHandlerOptions, definition: JobDefinition): PutOutcome {
  const key = jobKey(definition.namespace, definition.name);
  const { now } = clock.look();
  const known = source.get(key);
  if (known === undefined) {
    return { result: 'created', job: { key, ...definition, uid: '', generation: 1, createdAt: now } };
  }
  const job = redefined(known, definition, now);
  return job === undefined
    ? { result: 'unchanged', job: known }
    : { result: 'configured', job, before: known };
}

interface PutContext {
  warnings: string[];
  document: (job: Job) => JobDocument;
  calendars: Calendars;
  clock: ReturnType<ClockSteps['look']>;
}

function putResult(
  { result, job, before }: PutOutcome,
  { warnings, document, calendars, clock }: PutContext,
): PutResult {
  const changes = before === undefined ? [] : specChanges(changeable(before), changeable(job));
  return { result, changes, warnings, ...outlookAfterStep(job, clock, calendars), job: document(job) };
}

/** The clock may have been set since the last evaluation of the job. */
function outlookAfterStep(job: Job, clock: PutContext['clock'], files: Calendars): Outlook {
  const { now } = clock;
  const calendars = (name: string) => contentIfKnown(files, name);
  const stepped = afterStep(job, { now, clock, schedule: jobSchedule(job, { calendars }) });
  return outlook(stepped.job, now, { effect: effectOn(stepped.job, clock), calendars });
}

/** Throws CALENDAR_UNKNOWN or CALENDAR_INVALID if a calendar of the job cannot be read. */
async function requireCalendars(files: Calendars, { calendars = [] }: JobSpec): Promise<void> {
  const names = calendars.map(({ name }) => name);
  await files.refresh(names);
  for (const name of names) files.content(name);
}

/** A job that is paused or resumed may have lost its calendar: its status says so. */
function contentIfKnown(files: Calendars, name: string): CalendarDays | undefined {
  try {
    return files.content(name);
  } catch (error) {
    if (error instanceof LshError) return undefined;
    throw error;
  }
}
