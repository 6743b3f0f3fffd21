// What a person does with the definitions of jobs in a cluster: straight against the API server, as kubectl does.
import { isDeepStrictEqual } from 'node:util';
import type { JobApi, PutResult } from '../../contracts/job-api.ts';
import { LshError } from '../../core/errors.ts';
import { API_VERSION, KIND, type CheckedSpec, type JobManifest } from '../../core/job.ts';
import { nextSlots } from '../../core/schedule/next-slots.ts';
import { isActive } from '../../core/run.ts';
import { specChanges } from '../../core/spec-changes.ts';
import { CLUSTER_DEFAULTS, withPlatformDefaults } from '../../core/validate/defaults.ts';
import { parseManifest, type CheckedManifest } from '../../core/validate/validate.ts';
import { documentOf, shownJob } from '../objects/lsh-job-document.ts';
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
} from './lsh-job-calls.ts';
import { readRuns, type LshJob } from '../objects/lsh-job.ts';

export interface DefinitionOptions {
  scope: Scope;
  /** Lists the jobs of all namespaces. */
  allNamespaces: boolean;
  /** Advice about the command of a spec; throws COMMAND_REFUSED for one that must not run. */
  checkCommand: (spec: CheckedSpec) => string[];
  /** Milliseconds since the epoch. */
  now: () => number;
}

type Definitions = Pick<JobApi, 'put' | 'list' | 'get' | 'remove' | 'suspend'>;

/** The methods that read and change definitions. */
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
      const object = await getLshJob(scope, name);
      await deleteLshJob(scope, object);
      return {
        stopped: readRuns(object)
          .filter(isActive)
          .map((run) => run.name),
      };
    },
    suspend: async ({ name, suspend }) => {
      const before = await getLshJob(scope, name);
      if (shownJob(before).spec.suspend === suspend) return putResult(options, { before, after: before });
      return putResult(options, { before, after: await patchLshJob(scope, name, { spec: { suspend } }) });
    },
  };
}

async function put(options: DefinitionOptions, job: JobManifest, dryRun: boolean): Promise<PutResult> {
  const { scope } = options;
  const checked = parseManifest(job, 'cluster');
  assertSameNamespace(checked, scope);
  const warnings = options.checkCommand(checked.spec);
  const outcome = await retryOnConflict(async () => {
    const before = await findLshJob(scope, checked.metadata.name);
    return { before, after: await write(scope, { job, checked, before, dryRun }) };
  });
  return { ...putResult(options, outcome), warnings };
}

interface Write {
  /** As it was given: defaults are the server’s to fill in, so that they stay defaults. */
  job: JobManifest;
  checked: CheckedManifest;
  before: LshJob | undefined;
  dryRun: boolean;
}

/** The object after the write; the one before it where there is nothing to write. */
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
  const spec = withPlatformDefaults(checked.spec, 'cluster', CLUSTER_DEFAULTS);
  const same = isDeepStrictEqual(
    json({ spec, ...marks(wanted) }),
    json({ spec: shownJob(before).spec, ...marks(before) }),
  );
  return same ? before : replaceLshJob(scope, wanted, { dryRun });
}

function marks({ metadata: { labels = {}, annotations = {} } }: LshJob) {
  return { labels, annotations };
}

// As it travels: a field that is undefined is a field that is not there.
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
  const changes = before === undefined ? [] : specChanges(shown(before), shown(after));
  return { result, changes, warnings: [], next: next(after, now()), job: documentOf(after) };
}

/** What changes are told of; those outside the spec keep their whole path. */
function shown(object: LshJob): object {
  return { ...shownJob(object).spec, metadata: marks(object) };
}

function next(object: LshJob, now: number): string[] {
  try {
    return nextSlots(shownJob(object), now);
  } catch (error) {
    // What was put by other means may have a schedule that nobody can follow; its status says so.
    if (error instanceof LshError) return [];
    throw error;
  }
}
