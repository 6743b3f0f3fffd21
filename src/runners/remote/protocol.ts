// What travels between a controller and the process that holds its shell runs: one line of JSON per message, both
// ways, over one connection; an empty line is a beat. Each side checks what the other says before it uses it.
//
//   GET /v1/controller, Upgrade: lsh-runner       a controller; it says `recover` first
//   GET /v1/runs/<name>/log[?follow=true]         the output of a run
import * as v from 'valibot';
import { JobSpecSchema } from '../../core/job.ts';
import { STOP_CAUSES, type RunObservation, type RunReason } from '../../core/run.ts';

/** Counts changes that an older controller or runner would misunderstand. */
export const PROTOCOL_VERSION = 1;
export const UPGRADE = 'lsh-runner';
/** Header of a controller’s request: a higher term takes over from a lower one, never the other way round. */
export const TERM_HEADER = 'lsh-term';
/** Header of the answer: how long the runner lets its children live without a word, in milliseconds. */
export const LEASE_HEADER = 'lsh-lease-ms';
/** Longest message: a job with all its environment, or the names of 10,000 runs. */
export const MESSAGE_MAX_BYTES = 8 * 1024 * 1024;
/** More logs than this are not named in one message: the runner keeps them all rather than hang up. */
export const LOGS_MAX = 30_000;
/** Beats within the time after which silence means that nobody is there. */
export const BEATS_PER_LEASE = 5;

const REASONS = [
  ...STOP_CAUSES,
  'ExitCode',
  'Signal',
  'SpawnError',
  'Refused',
  'Lost',
  'OutOfMemory',
  'NameTaken',
] as const satisfies readonly RunReason[];

const instant = v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const id = v.pipe(v.number(), v.integer(), v.minValue(0));
const key = v.pipe(v.string(), v.minLength(3), v.maxLength(320));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
/** Becomes a part of paths. */
const name = v.pipe(v.string(), v.maxLength(200), v.regex(/^[A-Za-z0-9][\w.-]*$/));

const held = v.object({
  name,
  job: key,
  startedAt: v.optional(instant),
  stopCause: v.optional(v.picklist(STOP_CAUSES)),
});
const run = v.object({
  name,
  job: key,
  slot: instant,
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  startAfter: instant,
  stopCause: v.optional(v.picklist(STOP_CAUSES)),
});
/** The spec of a job is resolved: a runner adds no defaults of its own. */
const spec = v.required(JobSpecSchema, ['timeZone', 'executor', 'captureOutput']);

const FromController = v.variant('type', [
  v.object({ type: v.literal('recover'), runs: v.array(held), logs: v.optional(v.array(name)) }),
  v.object({ type: v.literal('start'), id, job: v.object({ name: text(253), spec }), run }),
  v.object({ type: v.literal('stop'), name, cause: v.picklist(STOP_CAUSES), graceMs: count }),
  v.object({ type: v.literal('release'), name }),
  v.object({ type: v.literal('removeLog'), name }),
]);

/** Without who the run is: a process does not remember that, and nobody is to believe it. */
const Observation = v.variant('state', [
  v.object({ state: v.literal('Running'), name, startedAt: instant }),
  v.object({ state: v.literal('NeverStarted'), name }),
  v.object({
    state: v.literal('Ended'),
    name,
    startedAt: v.optional(instant),
    finishedAt: instant,
    exitCode: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
    signal: v.optional(text(16)),
    reason: v.optional(v.picklist(REASONS)),
    message: v.optional(text(10_000)),
    outputTail: v.optional(text(100_000)),
    outputBytes: v.optional(count),
  }),
]) satisfies v.GenericSchema<unknown, RunObservation>;

const FromRunner = v.variant('type', [
  v.object({ type: v.literal('observed'), key, observation: Observation }),
  v.object({ type: v.literal('capacity'), capacity: count }),
  /** Everything that is known of the runs that were asked for has been said. */
  v.object({ type: v.literal('synced') }),
  v.object({ type: v.literal('started'), id }),
  v.object({ type: v.literal('refused'), id, detail: text(10_000) }),
  v.object({ type: v.literal('superseded') }),
]);

/**
 * What a controller says. The `logs` of `recover` are those that are still wanted, beside those of the runs that are
 * known; without it all are. A `start` is answered with `started` or `refused`, after what is observed of it.
 */
export type ControllerMessage = v.InferOutput<typeof FromController>;
/** What the runner says. */
export type RunnerMessage = v.InferOutput<typeof FromRunner>;

/** Undefined for what is no message of a controller. */
export function parseControllerMessage(said: unknown): ControllerMessage | undefined {
  const parsed = v.safeParse(FromController, said);
  return parsed.success ? parsed.output : undefined;
}

/** Undefined for what is no message of a runner. */
export function parseRunnerMessage(said: unknown): RunnerMessage | undefined {
  const parsed = v.safeParse(FromRunner, said);
  return parsed.success ? parsed.output : undefined;
}
