// Converts the pod template: it stays whole, but the main container’s command and variables move to the fields of the
// job that hold them for every job.
import type { JobSpecInput } from '../../../core/spec/job-spec.ts';
import {
  containerRenames,
  renamedAnnotations,
  RUN_CONTAINER,
  withContainerNames,
  type Renames,
} from './containers.ts';
import { convertEnvironment } from './environment.ts';
import type { Container, Findings, KubernetesJobSpec, Metadata, PodSpec } from './findings.ts';

const GRACE_SECONDS_DEFAULT = 30;
const SHELL = /^\/\S*\/(ba|da|a|z|k)?sh$/;

export interface ConvertedPod {
  spec: JobSpecInput;
  /** The main container’s name in the CronJob. */
  container: string;
}

/** Converts the fields about the pod and its command. */
export function convertPod(findings: Findings, { template = {} }: KubernetesJobSpec): ConvertedPod {
  const { spec = {} } = template;
  const [{ name: container = RUN_CONTAINER } = {}, ...others] = spec.containers ?? [];
  const renames = containerRenames(findings, { main: container, others, init: spec.initContainers ?? [] });
  noteContainers(findings, others);
  noteRestarts(findings, spec);
  const pod = withContainerNames(spec, renames);
  const [main = {}] = pod.containers ?? [];
  const environment = convertEnvironment(main);
  const { entrypointArgs, ...command } = convertCommand(main);
  const podTemplate = {
    ...templateMetadata(findings, template.metadata, renames),
    spec: templateSpec(pod, environment.kept),
  };
  const { image } = main;
  return {
    container,
    spec: {
      ...command,
      ...environment.lifted,
      terminationGracePeriodSeconds: pod.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT,
      job: { ...(image !== undefined && { image }), ...(entrypointArgs && { entrypointArgs }), podTemplate },
    },
  };
}

function templateMetadata(
  findings: Findings,
  metadata: Metadata | undefined,
  renames: Renames,
): { metadata?: object } {
  if (metadata === undefined) return {};
  const { annotations } = metadata;
  return {
    metadata: {
      ...withoutNulls(metadata),
      ...(annotations && { annotations: renamedAnnotations(findings, annotations, renames) }),
    },
  };
}

/** The pod without the fields that the job itself has. `kept` are variables that stay with the container. */
function templateSpec(pod: PodSpec, kept: Pick<Container, 'env' | 'envFrom'>): object {
  const { restartPolicy: _policy, terminationGracePeriodSeconds: _seconds, containers = [], ...rest } = pod;
  const [main = {}, ...sidecars] = containers;
  const {
    name: _name,
    image: _image,
    command: _command,
    args: _args,
    env: _env,
    envFrom: _from,
    ...own
  } = main;
  return { ...rest, containers: [{ name: RUN_CONTAINER, ...own, ...kept }, ...sidecars] };
}

interface ConvertedCommand extends Pick<JobSpecInput, 'command' | 'shell' | 'args'> {
  /** Without a command the image’s entrypoint runs. */
  entrypointArgs?: string[];
}

function convertCommand({ command, args }: Container): ConvertedCommand {
  if (!command || command.length === 0) return { entrypointArgs: args ?? [] };
  const words = [...command, ...(args ?? [])];
  const [program = '', option, script = ''] = words;
  if (words.length !== 3 || option !== '-c' || !SHELL.test(program) || script.trim() === '')
    return { args: words };
  return { command: script, ...(program !== '/bin/sh' && { shell: program }) };
}

function noteContainers({ notes }: Findings, others: readonly Container[]): void {
  if (others.length === 0) return;
  const names = others.map((other) => other.name).join(', ');
  notes.push(
    `The run ends when all containers have ended (${names} too); its exit code is that of "${RUN_CONTAINER}".`,
  );
}

function noteRestarts({ notes }: Findings, { restartPolicy }: PodSpec): void {
  if (restartPolicy !== 'OnFailure') return;
  notes.push('restartPolicy: OnFailure becomes Never; retry repeats a failed run in a new pod.');
}

/** Drops the nulls that an API server writes for empty fields. */
function withoutNulls(metadata: object): object {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null));
}
