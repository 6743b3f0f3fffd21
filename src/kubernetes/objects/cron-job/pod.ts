// What a CronJob runs: its pod template whole, with the command and the variables of the main container lifted out
// of it, so that they are seen and changed where those of every job are.
import type { JobSpecInput } from '../../../core/job.ts';
import { carriedEnvironment } from './environment.ts';
import type { Container, KubernetesJobSpec, PodSpec, Reading } from './reading.ts';

/** The container of an LshJob’s pod whose end is the end of the run. */
const RUN_CONTAINER = 'run';
const GRACE_SECONDS_DEFAULT = 30;
const SHELL = /^\/\S*\/(ba|da|a|z|k)?sh$/;

export interface CarriedPod {
  spec: JobSpecInput;
  /** The main container, by the name it had. */
  container: string;
}

/** The fields about the pod and its command. */
export function carriedPod(reading: Reading, { template = {} }: KubernetesJobSpec): CarriedPod {
  const { metadata, spec: pod = {} } = template;
  const [main = {}, ...others] = pod.containers ?? [];
  const { name: container = RUN_CONTAINER, image, command: _run, args: _them, env, envFrom, ...rest } = main;
  sayContainers(reading, container, others);
  sayRestarts(reading, pod);
  const environment = carriedEnvironment({ env, envFrom });
  const { restartPolicy: _ours, terminationGracePeriodSeconds, containers: _carried, ...podRest } = pod;
  const podTemplate = {
    ...(metadata && { metadata: withoutNulls(metadata) }),
    spec: { ...podRest, containers: [{ ...rest, name: RUN_CONTAINER, ...environment.kept }, ...others] },
  };
  return {
    container,
    spec: {
      ...carriedCommand(reading, main),
      ...environment.lifted,
      terminationGracePeriodSeconds: terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT,
      job: { ...(image !== undefined && { image }), podTemplate },
    },
  };
}

function carriedCommand({ problems }: Reading, { command = [], args = [] }: Container): JobSpecInput {
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

function sayContainers({ notes, problems }: Reading, name: string, others: readonly Container[]): void {
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

function sayRestarts({ notes }: Reading, { restartPolicy }: PodSpec): void {
  if (restartPolicy !== 'OnFailure') return;
  notes.push(
    'restartPolicy: OnFailure becomes Never; what fails is tried again in a new pod, as retry says.',
  );
}

/** What an API server writes for nothing. */
function withoutNulls(metadata: object): object {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null));
}
