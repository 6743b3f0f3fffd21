// The verbs that read and change LshJobs: direct calls to the API server, as kubectl makes them.
import { isDeepStrictEqual } from 'node:util';
import type { JobApi, PutResult } from '../../contracts/job-api.ts';
import { LshError } from '../../core/errors.ts';
import { API_VERSION, KIND } from '../../core/api-version.ts';
import type { JobManifest } from '../../core/job.ts';
import type { CheckedSpec } from '../../core/spec/job-spec.ts';
import { shownCalendars } from '../../core/schedule/days/day-rules.ts';
import { namesOthers, relatedWarnings, removalWarnings } from '../../core/decide/related/warnings.ts';
import { outlook, type Outlook } from '../../core/schedule/next-slots.ts';
import { isActive } from '../../core/run.ts';
import { specChanges } from '../../core/validate/spec-changes.ts';
import { requireComing } from '../../core/validate/schedule-rules.ts';
import { parseManifest, type CheckedManifest } from '../../core/validate/validate.ts';
import {
  createLshJob,
  deleteLshJob,
  findLshJob,
  getLshJob,
  listLshJobs,
  patchLshJob,
  replaceLshJob,
  retryOnConflict,
  type Scope,
} from './api-calls.ts';
import { documentOf, readRuns, shownJob, withClusterDefaults, type LshJob } from '../objects/lsh-job.ts';

export interface DefinitionOptions {
  scope: Scope;
  /** Whether list() reads all namespaces. */
  allNamespaces: boolean;
  /** Warnings about the command of a job; throws COMMAND_REFUSED for a command that must not run. */
  checkCommand: (spec: CheckedSpec, name: string) => string[];
  /** Milliseconds since the epoch. */
  now: () => number;
}

type Definitions = Pick<JobApi, 'put' | 'list' | 'get' | 'remove' | 'suspend'>;

/** The JobApi methods that read and change LshJobs. */
export function jobDefinitions(options: DefinitionOptions): Definitions {
  const { scope, allNamespaces } = options;
  return {
    put: (request) => put(options, request.job, request.dryRun === true),
    list: async ({ tags = [] }) =>
      (await listLshJobs(scope, allNamespaces))
        .map(documentOf)
        .filter(({ spec }) => tags.every((tag) => spec.tags.includes(tag))),
    get: async ({ name }) => documentOf(await getLshJob(scope, name)),
    remove: async ({ name }) => {
      const lshJob = await getLshJob(scope, name);
      await deleteLshJob(scope, lshJob);
      return {
        stopped: readRuns(lshJob)
          .filter(isActive)
          .map((run) => run.name),
        // A user may have the right to delete a job, and none to list: then nothing warns.
        warnings: removalWarnings(name, (await listLshJobs(scope).catch(() => [])).map(shownJob)),
      };
    },
    suspend: async ({ name, suspend, resumeAt }) => {
      const before = await getLshJob(scope, name);
      const { spec } = shownJob(before);
      if (spec.suspend === suspend && spec.resumeAt === resumeAt)
        return putResult(options, { before, after: before });
      const patch = { spec: { suspend, resumeAt: resumeAt ?? null } };
      return putResult(options, { before, after: await patchLshJob(scope, name, patch) });
    },
  };
}

async function put(options: DefinitionOptions, job: JobManifest, dryRun: boolean): Promise<PutResult> {
  const { scope } = options;
  const checked = parseManifest(job, 'cluster');
  assertSameNamespace(checked, scope);
  const command = options.checkCommand(checked.spec, checked.metadata.name);
  const warnings = [...command, ...(await relatedTo(scope, checked))];
  const outcome = await retryOnConflict(async () => {
    const before = await findLshJob(scope, checked.metadata.name);
    requireComing(withClusterDefaults(checked.spec), before && shownJob(before).spec, options.now());
    return { before, after: await write(scope, { job, checked, before, dryRun }) };
  });
  return { ...putResult(options, outcome), warnings };
}

/** Only a job that names others asks for them. */
async function relatedTo(scope: Scope, { metadata, spec }: CheckedManifest): Promise<string[]> {
  if (!namesOthers(spec)) return [];
  const others = (await listLshJobs(scope, false)).map(shownJob);
  return relatedWarnings({ name: metadata.name, spec }, others);
}

interface Write {
  /** As the person wrote it: the server fills in defaults, so that they stay defaults. */
  job: JobManifest;
  checked: CheckedManifest;
  before: LshJob | undefined;
  dryRun: boolean;
}

/** The LshJob after the write; `before` itself if nothing changes. */
async function write(scope: Scope, { job, checked, before, dryRun }: Write): Promise<LshJob> {
  const { name, labels, annotations } = checked.metadata;
  if (before === undefined) {
    const metadata = {
      name,
      namespace: scope.namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    };
    return createLshJob(scope, { apiVersion: API_VERSION, kind: KIND, metadata, spec: job.spec }, { dryRun });
  }
  const wanted = {
    ...before,
    metadata: {
      ...before.metadata,
      labels: { ...before.metadata.labels, ...labels },
      annotations: { ...before.metadata.annotations, ...annotations },
    },
    spec: job.spec,
  };
  const spec = withClusterDefaults(checked.spec);
  const same = isDeepStrictEqual(
    json({ spec, ...labelsAndAnnotations(wanted) }),
    json({ spec: shownJob(before).spec, ...labelsAndAnnotations(before) }),
  );
  return same ? before : replaceLshJob(scope, wanted, { dryRun });
}

function labelsAndAnnotations({ metadata: { labels = {}, annotations = {} } }: LshJob) {
  return { labels, annotations };
}

// In its wire form: an undefined field is an absent field.
function json(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}

function assertSameNamespace({ metadata }: CheckedManifest, { namespace }: Scope): void {
  if (metadata.namespace === undefined || metadata.namespace === namespace) return;
  const message = `is "${metadata.namespace}", but the command is about "${namespace}"`;
  const problems = [{ path: 'metadata.namespace', message }];
  throw new LshError('JOB_INVALID', { detail: `metadata.namespace ${message}.` }, { problems });
}

interface Outcome {
  before: LshJob | undefined;
  after: LshJob;
}

function putResult({ now }: DefinitionOptions, { before, after }: Outcome): PutResult {
  const result = before === undefined ? 'created' : before === after ? 'unchanged' : 'configured';
  const changes = before === undefined ? [] : specChanges(reported(before), reported(after));
  return { result, changes, warnings: [], ...outlookOf(after, now()), job: documentOf(after) };
}

/** The fields whose changes are reported; those outside the spec keep their whole path. */
function reported(lshJob: LshJob): object {
  return { ...shownJob(lshJob).spec, metadata: labelsAndAnnotations(lshJob) };
}

function outlookOf(lshJob: LshJob, now: number): Outlook {
  try {
    const job = shownJob(lshJob);
    const shown = lshJob.status?.calendars;
    const calendars = job.spec.calendars ?? [];
    const unread = calendars.filter(({ name }) => !shown?.some((each) => each.name === name));
    const { next, notes } = outlook(job, now, { calendars: shownCalendars(shown) });
    return {
      next,
      notes: [
        ...notes,
        ...unread.map(
          ({ name }) =>
            `The operator has not read the calendar ${name} for this job yet: \`lsh cron next\` knows its days a moment later.`,
        ),
      ],
    };
  } catch (error) {
    // kubectl may have applied an invalid schedule; the status reports it.
    if (error instanceof LshError) return { next: [], notes: [] };
    throw error;
  }
}
