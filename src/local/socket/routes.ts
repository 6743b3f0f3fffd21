// Validates the payload of each command before its handler runs. Handlers validate jobs further (cron grammar, zones).
// Only the server loads this module.
import * as v from 'valibot';
import { LshError } from '../../core/errors.ts';
import type { JobManifest } from '../../core/job.ts';
import { RUN_PHASES } from '../../core/run.ts';
import type { LogQuery } from '../../contracts/job-api.ts';
import { LOG_COMMAND, type Command, type Payload } from './protocol.ts';

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(253));
const instant = v.pipe(v.string(), v.isoTimestamp());
const limit = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000));
/** The handler validates it field by field, and reports every problem at once. */
const manifest = v.custom<JobManifest>((value) => typeof value === 'object' && value !== null);

/** One schema per field: a field of a payload that lacks one does not compile. */
type Fields<T> = { [Field in keyof Required<T>]: v.GenericSchema<unknown, T[Field]> };

const FIELDS: { [C in Command]: Fields<Payload<C>> } & { [LOG_COMMAND]: Fields<LogQuery> } = {
  'job.put': { job: manifest, dryRun: v.optional(v.boolean()) },
  'job.list': { tags: v.optional(v.array(v.string())) },
  'job.get': { name },
  'job.remove': { name },
  'job.suspend': { name, suspend: v.boolean(), resumeAt: v.optional(v.string()) },
  'job.trigger': { name, id: name, requestedBy: v.optional(name) },
  'job.backfill': {
    name,
    id: name,
    from: instant,
    to: instant,
    parallel: v.pipe(v.number(), v.integer()),
    failedOnly: v.optional(v.boolean()),
    requestedBy: v.optional(name),
    dryRun: v.optional(v.boolean()),
  },
  'job.cancelBackfill': { name },
  'job.stop': { name, run: v.optional(name) },
  'job.runs': {
    name: v.optional(name),
    phases: v.optional(v.array(v.picklist(RUN_PHASES))),
    since: v.optional(instant),
    limit: v.optional(limit),
  },
  'job.run': { run: name, wait: v.optional(v.boolean()) },
  'job.slots': {
    name,
    from: instant,
    to: instant,
    notRun: v.optional(v.boolean()),
    limit: v.optional(limit),
  },
  'job.stats': { name: v.optional(name), since: v.optional(instant) },
  'job.noticesOf': { name },
  'job.log': { name, run: v.optional(name), follow: v.optional(v.boolean()) },
  'daemon.status': {},
  'daemon.metrics': {
    perJob: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100_000))),
  },
  'daemon.notices': { retry: v.optional(name), test: v.optional(name) },
  'daemon.shutdown': {},
};

/** True for every command, the log stream included. */
export function isCommand(command: string): command is Command | typeof LOG_COMMAND {
  return Object.hasOwn(FIELDS, command);
}

/** Throws REQUEST_INVALID with every problem of the payload. */
export function parsePayload<C extends Command>(command: C, payload: unknown): Payload<C> {
  return parse(command, payload) as Payload<C>;
}

export function parseLogQuery(payload: unknown): LogQuery {
  return parse(LOG_COMMAND, payload) as LogQuery;
}

function parse(command: Command | typeof LOG_COMMAND, payload: unknown): unknown {
  const parsed = v.safeParse(v.strictObject(FIELDS[command]), payload);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => ({
    path: ['payload', v.getDotPath(issue)].filter(Boolean).join('.'),
    message: issue.message,
  }));
  const detail = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new LshError('REQUEST_INVALID', { detail }, { problems });
}
