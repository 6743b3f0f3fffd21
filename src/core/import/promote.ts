// Converts a job of the local daemon into a job of a cluster. Pure. A field that changes its meaning becomes a note; a
// field that needs this machine refuses the job.
import { LshError, type Problem } from '../errors.ts';
import type { Executor } from '../executor.ts';
import { API_VERSION, KIND } from '../api-version.ts';
import type { JobManifest } from '../job.ts';
import type { JobSpecInput } from '../spec/job-spec.ts';
import { startMacro } from '../schedule/expression/start-macros.ts';

export interface PromoteOptions {
  executor: Executor;
  /** Image of the Kubernetes Jobs. Default: the controller’s. */
  image?: string | undefined;
}

export interface Promotion {
  job: JobManifest;
  /** Sentences about fields that mean something else in a cluster. */
  notes: string[];
}

type NoteRule = (spec: JobSpecInput, options: PromoteOptions) => string[];

/** Converts the job, whose spec names its time zone. Throws JOB_NOT_CARRIED with every reason if it needs this machine. */
export function promote(name: string, spec: JobSpecInput, options: PromoteOptions): Promotion {
  const problems = localOnlyProblems(spec);
  if (problems.length > 0) {
    const detail = problems.map(({ path, message }) => `${path} ${message}.`).join(' ');
    throw new LshError('JOB_NOT_CARRIED', { name, detail }, { problems });
  }
  const { executor, image } = options;
  const { backgroundChildren: _dropped, ...rest } = spec;
  const kept = executor === 'Shell' ? spec : rest;
  return {
    job: {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { name },
      spec: { ...kept, executor, ...(image !== undefined && { job: { image } }) },
    },
    notes: NOTES.flatMap((rule) => rule(spec, options)),
  };
}

function localOnlyProblems({ schedule, schedules = [], envFrom = [] }: JobSpecInput): Problem[] {
  const expressions = schedule === undefined ? schedules : [schedule];
  return [
    ...expressions
      .map(startMacro)
      .filter((macro) => macro !== undefined)
      .map((macro) => ({
        path: 'spec.schedule',
        message: `is ${macro}, which needs a local daemon; a cluster has none`,
      })),
    ...envFrom.flatMap(({ file }, index) => (file === undefined ? [] : envFile(file, index))),
  ];
}

function envFile(file: string, index: number): Problem[] {
  const make = `kubectl create secret generic NAME --from-env-file=${file}`;
  return [
    {
      path: `spec.envFrom[${index}].file`,
      message: `is a file of this machine: make it a Secret (\`${make}\`) and name that as secretRef in a document for \`lsh apply --cluster\``,
    },
  ];
}

const NOTES: NoteRule[] = [
  zone,
  calendarsOfCluster,
  executor,
  directory,
  shell,
  background,
  environment,
  variables,
  counting,
  history,
];

function calendarsOfCluster({ calendars = [] }: JobSpecInput): string[] {
  return calendars.map(
    ({ name }) =>
      `calendars: ${name} must be in the chart’s value calendars; without it, the job does not run.`,
  );
}

function zone({ timeZone }: JobSpecInput): string[] {
  return [`timeZone: ${timeZone} is written into the job; without it a cluster means UTC.`];
}

function executor(_spec: JobSpecInput, { executor, image }: PromoteOptions): string[] {
  if (executor === 'Shell') {
    return [
      'executor: each run is a subprocess in the controller’s shell container, with the programs and files of that container; the namespace must be on its allow-list.',
    ];
  }
  const container =
    image === undefined ? 'of the image that the controller is configured with' : `of ${image}`;
  return [`executor: Shell becomes Job: each run is a container ${container}, with its programs and files.`];
}

function directory({ workingDir }: JobSpecInput): string[] {
  return [
    workingDir === undefined
      ? 'workingDir: the command starts in the directory of the container, not in your home directory.'
      : `workingDir: ${workingDir} must be a directory there too.`,
  ];
}

function shell({ shell, args = [] }: JobSpecInput): string[] {
  const program = shell ?? args[0];
  return program?.startsWith('/')
    ? [`${shell ? 'shell' : 'args'}: ${program} must be a program there too.`]
    : [];
}

function background({ backgroundChildren }: JobSpecInput, { executor }: PromoteOptions): string[] {
  if (backgroundChildren === undefined || executor === 'Shell') return [];
  return [
    'backgroundChildren: left out; the container ends with its command, and its background processes with it.',
  ];
}

function environment(): string[] {
  return ['environment: PATH, HOME, USER and LANG come from the container, not from your daemon.'];
}

function variables({ env = [] }: JobSpecInput): string[] {
  if (env.length === 0) return [];
  const names = env.map(({ name }) => name).join(', ');
  return [`env: everyone who may read LshJobs of the namespace reads the values of ${names}.`];
}

function counting({ schedule = '', schedules = [] }: JobSpecInput): string[] {
  const expressions = [schedule, ...schedules];
  return [
    ...(expressions.some((expression) => expression.startsWith('@every'))
      ? ['schedule: @every counts from the creation in the cluster.']
      : []),
    ...(expressions.some((expression) => /(^|[\s,])H/.test(expression))
      ? ['schedule: H depends on the namespace, so the slots move.']
      : []),
  ];
}

function history(): string[] {
  return ['history: the past runs stay with the local daemon.'];
}
