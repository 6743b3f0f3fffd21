// The shape of each command's payload, checked before a handler sees it. What a schema cannot know of a job
// (cron grammar, zones) is the handler's concern. Only the server loads this.
import * as v from 'valibot';
import { LshError } from '../../core/errors.ts';
import type { JobManifest } from '../../core/job.ts';
import { RUN_PHASES } from '../../core/run.ts';
import type { LogQuery } from '../../contracts/job-api.ts';
import { LOG_COMMAND, type Command, type Payload } from './protocol.ts';

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(253));
const instant = v.pipe(v.string(), v.isoTimestamp());
const limit = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000));
/** Checked field by field by the handler, which names every problem at once. */
const manifest = v.custom<JobManifest>((value) => typeof value === 'object' && value !== null);
const nothing = v.strictObject({}) as v.GenericSchema<unknown, Record<string, never>>;

const schemas: { [C in Command]: v.GenericSchema<unknown, Payload<C>> } = {
  'job.put': v.strictObject({ job: manifest, dryRun: v.optional(v.boolean()) }),
  'job.list': v.strictObject({ tags: v.optional(v.array(v.string())) }),
  'job.get': v.strictObject({ name }),
  'job.remove': v.strictObject({ name }),
  'job.suspend': v.strictObject({ name, suspend: v.boolean() }),
  'job.trigger': v.strictObject({ name, id: name, requestedBy: v.optional(name) }),
  'job.stop': v.strictObject({ name, run: v.optional(name) }),
  'job.runs': v.strictObject({
    name: v.optional(name),
    phases: v.optional(v.array(v.picklist(RUN_PHASES))),
    since: v.optional(instant),
    limit: v.optional(limit),
  }),
  'job.run': v.strictObject({ run: name, wait: v.optional(v.boolean()) }),
  'job.slots': v.strictObject({ name, from: instant, to: instant, limit: v.optional(limit) }),
  'job.stats': v.strictObject({ name: v.optional(name), since: v.optional(instant) }),
  'daemon.status': nothing,
  'daemon.shutdown': nothing,
};

const logQuery: v.GenericSchema<unknown, LogQuery> = v.strictObject({
  name,
  run: v.optional(name),
  follow: v.optional(v.boolean()),
});

/** Every command there is, the log's stream included. */
export function isCommand(command: string): command is Command | typeof LOG_COMMAND {
  return command === LOG_COMMAND || Object.hasOwn(schemas, command);
}

/** The payload as its type says, or REQUEST_INVALID with every problem. */
export function parsePayload<C extends Command>(command: C, payload: unknown): Payload<C> {
  return parse(schemas[command], payload);
}

export function parseLogQuery(payload: unknown): LogQuery {
  return parse(logQuery, payload);
}

function parse<T>(schema: v.GenericSchema<unknown, T>, payload: unknown): T {
  const parsed = v.safeParse(schema, payload);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => ({
    path: ['payload', v.getDotPath(issue)].filter(Boolean).join('.'),
    message: issue.message,
  }));
  const detail = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new LshError('REQUEST_INVALID', { detail }, { problems });
}
