// Converts the pod template: it stays whole, but the main container’s command and variables move to the fields of the
// job that hold them for every job.
import type { JobSpecInput } from '../../../core/job.ts';
import { convertEnvironment } from './environment.ts';
import type { Container, KubernetesJobSpec, PodSpec, Findings } from './findings.ts';

/** The run ends with this container of an LshJob’s pod. */
const RUN_CONTAINER = 'run';
const GRACE_SECONDS_DEFAULT = 30;
const SHELL = /^\/\S*\/(ba|da|a|z|k)?sh$/;

export interface ConvertedPod {
  spec: JobSpecInput;
  /** The main container’s name in the CronJob. */
  container: string;
}

/** Converts the fields about the pod and its command. */
export function convertPod(findings: Findings, { template = {} }: KubernetesJobSpec): ConvertedPod {
  const { metadata, spec: pod = {} } = template;
  const [main = {}, ...others] = pod.containers ?? [];
  const {
    name: container = RUN_CONTAINER,
    image,
    command: _command,
    args: _args,
    env,
    envFrom,
    ...rest
  } = main;
  noteContainers(findings, container, others);
  noteRestarts(findings, pod);
  const environment = convertEnvironment({ env, envFrom });
  const { restartPolicy: _policy, terminationGracePeriodSeconds, containers: _containers, ...podRest } = pod;
  const podTemplate = {
    ...(metadata && { metadata: withoutNulls(metadata) }),
    spec: { ...podRest, containers: [{ ...rest, name: RUN_CONTAINER, ...environment.kept }, ...others] },
  };
  return {
    container,
    spec: {
      ...convertCommand(findings, main),
      ...environment.lifted,
      terminationGracePeriodSeconds: terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT,
      job: { ...(image !== undefined && { image }), podTemplate },
    },
  };
}

function convertCommand({ problems }: Findings, { command = [], args = [] }: Container): JobSpecInput {
  if (command.length === 0) {
    const message =
      'is not set: the image’s own entrypoint runs, which only the image knows; write it into the CronJob’s command first';
    problems.push({ path: 'spec.jobTemplate.spec.template.spec.containers[0].command', message });
    return {};
  }
  const words = [...command, ...args];
  const [program = '', option, script = ''] = words;
  if (words.length !== 3 || option !== '-c' || !SHELL.test(program) || script.trim() === '')
    return { args: words };
  return { command: script, ...(program !== '/bin/sh' && { shell: program }) };
}

function noteContainers({ notes, problems }: Findings, name: string, others: readonly Container[]): void {
  if (others.some((other) => other.name === RUN_CONTAINER)) {
    const message = `has a second container named "${RUN_CONTAINER}", which is the name of the first one in an LshJob`;
    problems.push({ path: 'spec.jobTemplate.spec.template.spec.containers', message });
  }
  if (name !== RUN_CONTAINER)
    notes.push(`The container "${name}" is called "${RUN_CONTAINER}" in the pods of an LshJob.`);
  if (others.length === 0) return;
  const names = others.map((other) => other.name).join(', ');
  notes.push(
    `The run ends when all containers have ended (${names} too); its exit code is that of "${RUN_CONTAINER}".`,
  );
}

function noteRestarts({ notes }: Findings, { restartPolicy }: PodSpec): void {
  if (restartPolicy !== 'OnFailure') return;
  notes.push(
    'restartPolicy: OnFailure becomes Never; what fails is tried again in a new pod, as retry says.',
  );
}

/** Drops the nulls that an API server writes for empty fields. */
function withoutNulls(metadata: object): object {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null));
}
