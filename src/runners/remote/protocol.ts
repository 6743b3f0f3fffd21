// The protocol between a controller and `lsh runner`: one line of JSON per message, both ways, over one connection; an
// empty line is a heartbeat. Each side validates every message.
//
//   GET /v1/controller, Upgrade: lsh-runner       a controller; it sends `recover` first
//   GET /v1/ends, Upgrade: lsh-runner             a controller that does not lead; it only hears of ends
//   GET /v1/runs/<name>/log[?follow=true]         the output of a run
import * as v from 'valibot';
import { JobSpecSchema } from '../../core/spec/job-spec.ts';
import { RUN_REASONS, STOP_CAUSES, type RunCause, type RunObservation } from '../../core/run.ts';
import type { Command, StartedRun } from '../subprocess/command/child-env.ts';
import type { ClaimedRun } from '../subprocess/known-runs.ts';
import { TAIL_MAX_BYTES } from '../subprocess/output/output.ts';

/** Grows with each change that an older controller or runner would misunderstand. */
export const PROTOCOL_VERSION = 1;
export const UPGRADE = 'lsh-runner';
/** Request header of a controller: its term. A lower term never replaces a higher one. */
export const TERM_HEADER = 'lsh-term';
/** Response header: how long children outlive the last message of a controller, in milliseconds. */
export const LEASE_HEADER = 'lsh-lease-ms';
/** Longest message: a job with all its environment, or the names of 10,000 runs. */
export const MESSAGE_MAX_BYTES = 8 * 1024 * 1024;
/** Most log names in one `recover`. With more, the controller sends none and the runner keeps all logs. */
export const LOGS_MAX = 30_000;
/** Longest sentence about a run. The runner cuts a longer one: a malformed message would end the connection. */
export const SENTENCE_MAX_LENGTH = 2000;
/** Most runs at a time, as `LSH_MAX_CONCURRENT_RUNS` allows. */
const CAPACITY_MAX = 10_000;
/** Heartbeats per lease: a peer that misses all of them is lost. */
export const HEARTBEATS_PER_LEASE = 5;

/** One schema per field: a field of a run that the wire lacks does not compile. */
type Fields<T> = { [Field in keyof Required<T>]: v.GenericSchema<unknown, T[Field]> };
type Nonce = { nonce: string };
type Observed<S extends RunObservation['state']> = Omit<Extract<RunObservation, { state: S }>, 'run'>;

const instant = v.pipe(v.number(), v.minValue(0), v.maxValue(8.64e15));
/** Safe, because the API server refuses a status with a larger number. */
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const id = count;
const key = v.pipe(v.string(), v.minLength(3), v.maxLength(320));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
/** Strict, because it becomes a part of file names. */
const name = v.pipe(v.string(), v.maxLength(200), v.regex(/^[A-Za-z0-9][\w.-]*$/));

/**
 * What a runner must repeat with each observation of a run. It learns the nonce with the run, so it cannot speak of a run
 * that it was not given, nor of a namesake.
 */
const nonce = v.pipe(v.string(), v.regex(/^[\w-]{22}$/));

const claimedRun = v.object({
  nonce,
  name,
  job: key,
  startedAt: v.optional(instant),
  stopCause: v.optional(v.picklist(STOP_CAUSES)),
} satisfies Fields<ClaimedRun & Nonce>);
const startedRun = v.object({
  nonce,
  name,
  job: key,
  slot: instant,
  attempt: v.pipe(v.number(), v.integer(), v.minValue(1)),
  startAfter: instant,
  cause: v.optional(v.object({ job: text(253), run: name } satisfies Fields<RunCause>)),
  stopCause: v.optional(v.picklist(STOP_CAUSES)),
  traceparent: v.optional(v.pipe(v.string(), v.regex(/^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/))),
} satisfies Fields<StartedRun & Nonce>);
/** A resolved spec: the runner adds no defaults. */
const spec = v.required(JobSpecSchema, ['timeZone', 'executor', 'captureOutput']);
const command = v.object({ name: text(253), spec } satisfies Fields<Command>);

const FromController = v.variant('type', [
  v.object({ type: v.literal('recover'), runs: v.array(claimedRun), logs: v.optional(v.array(name)) }),
  v.object({ type: v.literal('start'), id, job: command, run: startedRun }),
  v.object({ type: v.literal('stop'), name, cause: v.picklist(STOP_CAUSES), graceMs: count }),
  v.object({ type: v.literal('release'), name }),
  v.object({ type: v.literal('removeLog'), name }),
]);

const Ended = v.object({
  state: v.literal('Ended'),
  name,
  startedAt: v.optional(instant),
  finishedAt: instant,
  exitCode: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255))),
  signal: v.optional(text(16)),
  reason: v.optional(v.picklist(RUN_REASONS)),
  byItself: v.optional(v.literal(true)),
  message: v.optional(text(SENTENCE_MAX_LENGTH)),
  outputTail: v.optional(text(TAIL_MAX_BYTES)),
  outputBytes: v.optional(count),
  secretsVersion: v.optional(text(SENTENCE_MAX_LENGTH)),
} satisfies Fields<Observed<'Ended'>>);

/** Carries neither `run` nor job: the controller trusts its own record of the run that it gave. */
const Observation = v.variant('state', [
  v.object({
    state: v.literal('Running'),
    name,
    startedAt: instant,
    // `limit` is for Pods: the runner reports none of a process.
  } satisfies Fields<Omit<Observed<'Running'>, 'limit'>>),
  v.object({ state: v.literal('NeverStarted'), name } satisfies Fields<Observed<'NeverStarted'>>),
  Ended,
]) satisfies v.GenericSchema<unknown, RunObservation>;

const FromRunner = v.variant('type', [
  v.object({ type: v.literal('observed'), nonce, observation: Observation }),
  v.object({ type: v.literal('capacity'), capacity: v.pipe(count, v.maxValue(CAPACITY_MAX)) }),
  /** Ends the answer to `recover`: the runner knows nothing of a run that it has not observed by now. */
  v.object({ type: v.literal('synced') }),
  v.object({ type: v.literal('started'), id }),
  v.object({ type: v.literal('refused'), id, detail: text(SENTENCE_MAX_LENGTH) }),
  v.object({ type: v.literal('superseded') }),
]);

/** From runner to a controller that does not lead. The key becomes a part of a path of the API server. */
const EndOfRun = v.object({
  key: v.pipe(key, v.regex(/^[a-z0-9][a-z0-9-]*\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)),
  nonce,
  end: Ended,
});
export type EndOfRun = v.InferOutput<typeof EndOfRun>;

/**
 * From controller to runner. `logs` in `recover` names the logs to keep beside those of known runs; without it the
 * runner keeps all. The runner drops every run that `recover` does not name: it ends what still runs, and forgets what has
 * ended. It answers a `start` with `started` or `refused`, after the first observation of that run.
 */
export type ControllerMessage = v.InferOutput<typeof FromController>;
/** From runner to controller. */
export type RunnerMessage = v.InferOutput<typeof FromRunner>;

/** The observation with its sentence cut to the length that the protocol allows. */
export function onWire<T extends RunObservation>(observation: T): T {
  if (observation.state !== 'Ended' || observation.message === undefined) return observation;
  return { ...observation, message: observation.message.slice(0, SENTENCE_MAX_LENGTH) };
}

/** Returns undefined for a malformed message. */
export function parseControllerMessage(message: unknown): ControllerMessage | undefined {
  const parsed = v.safeParse(FromController, message);
  return parsed.success ? parsed.output : undefined;
}

/** Returns undefined for a malformed message. */
export function parseRunnerMessage(message: unknown): RunnerMessage | undefined {
  const parsed = v.safeParse(FromRunner, message);
  return parsed.success ? parsed.output : undefined;
}

/** Returns undefined for a malformed message. */
export function parseEndOfRun(message: unknown): EndOfRun | undefined {
  const parsed = v.safeParse(EndOfRun, message);
  return parsed.success ? parsed.output : undefined;
}
