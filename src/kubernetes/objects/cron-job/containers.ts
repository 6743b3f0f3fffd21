// Renames the containers of a pod: the run ends with the container that is called `run`.
import type { Container, Findings, PodSpec } from './findings.ts';

/** The run ends with this container of an LshJob’s pod. */
export const RUN_CONTAINER = 'run';

/** New names by old names, of the containers that get another name. */
export type Renames = ReadonlyMap<string, string>;

/** Annotations whose key ends with the name of a container. */
const KEYED_BY_CONTAINER = /^container\.(?:apparmor|seccomp)\.security\.\w+\.kubernetes\.io\//;
/** Annotations whose value is the name of a container. */
const NAMES_CONTAINER = /^kubectl\.kubernetes\.io\/default-(?:logs-)?container$/;

interface Containers {
  main: string;
  others: readonly Container[];
  init: readonly Container[];
}

/** Names the main container `run`, and an init container of that name anew. A second `run` is a problem. */
export function containerRenames({ notes, problems }: Findings, { main, others, init }: Containers): Renames {
  const renames = new Map<string, string>();
  if (others.some(({ name }) => name === RUN_CONTAINER)) {
    const message = `has a second container named "${RUN_CONTAINER}", which is the name of the first one in an LshJob`;
    problems.push({ path: 'spec.jobTemplate.spec.template.spec.containers', message });
  }
  if (main !== RUN_CONTAINER) {
    renames.set(main, RUN_CONTAINER);
    notes.push(`The container "${main}" is called "${RUN_CONTAINER}" in the pods of an LshJob.`);
  }
  const names = [main, ...others.map(({ name }) => name), ...init.map(({ name }) => name)];
  if (init.some(({ name }) => name === RUN_CONTAINER)) {
    const free = freeName(names);
    renames.set(RUN_CONTAINER, free);
    notes.push(`The init container "${RUN_CONTAINER}" is called "${free}" in the pods of an LshJob.`);
  }
  return renames;
}

function freeName(taken: readonly (string | undefined)[]): string {
  let name = `${RUN_CONTAINER}-init`;
  for (let number = 2; taken.includes(name); number++) name = `${RUN_CONTAINER}-init-${number}`;
  return name;
}

/** The pod with the new name of each init container, and wherever a field names a container. */
export function withContainerNames(pod: PodSpec, renames: Renames): PodSpec {
  const renamed = withReferences(pod, renames);
  const { initContainers } = renamed;
  if (initContainers === undefined) return renamed;
  // Of the containers only an init container keeps its place and changes its name.
  const rename = (name: string | undefined) => (name === RUN_CONTAINER ? renames.get(name) : name) ?? name;
  return {
    ...renamed,
    initContainers: initContainers.map((container) => ({ ...container, name: rename(container.name) })),
  };
}

function withReferences<T>(value: T, renames: Renames): T {
  if (renames.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => withReferences(item, renames)) as T;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]: [string, unknown]) => [
      key,
      key === 'containerName' && typeof part === 'string'
        ? (renames.get(part) ?? part)
        : withReferences(part, renames),
    ]),
  ) as T;
}

/** The annotations of the pod with the new names. An annotation of an unknown tool that holds a name gets a note. */
export function renamedAnnotations(
  { notes }: Findings,
  annotations: Record<string, string>,
  renames: Renames,
): Record<string, string> {
  const renamed = Object.entries(annotations).map(([key, value]): [string, string] => {
    if (NAMES_CONTAINER.test(key)) return [key, renames.get(value) ?? value];
    const [, prefix = '', suffix = ''] = /^(.*\/)([^/]*)$/.exec(key) ?? [];
    if (KEYED_BY_CONTAINER.test(key)) return [`${prefix}${renames.get(suffix) ?? suffix}`, value];
    const name = [suffix, value].find((text) => renames.has(text));
    if (name !== undefined) {
      notes.push(
        `The annotation ${key} of the pod has the value or ending "${name}"; if it means the container, write "${renames.get(name)}".`,
      );
    }
    return [key, value];
  });
  return Object.fromEntries(renamed);
}
