// The shape of podTemplate, as far as the spec is merged into it: the API server checks the rest.
import type { Problem } from '../errors.ts';
import type { Candidate } from './candidate.ts';
import { isMapping } from './structure.ts';

const LISTS_OF_POD = ['containers', 'initContainers', 'tolerations', 'volumes'];
const LISTS_OF_CONTAINER = ['env', 'envFrom', 'volumeMounts'];

/** Mappings where the Pod has mappings, and lists of mappings where it has lists. */
export function podTemplateHasShape({ spec, sound }: Candidate): Problem[] {
  const path = 'spec.job.podTemplate';
  const template = spec.job?.podTemplate;
  if (template === undefined || !sound(path)) return [];
  const { metadata, spec: pod } = template;
  const containers = isMapping(pod) && isListOfMappings(pod['containers']) ? pod['containers'] : [];
  return [
    ...notMapping(`${path}.metadata`, metadata),
    ...notMapping(`${path}.metadata.labels`, isMapping(metadata) ? metadata['labels'] : undefined),
    ...notMapping(`${path}.spec`, pod),
    ...notLists(`${path}.spec`, pod, LISTS_OF_POD),
    ...containers.flatMap((container, index) =>
      notLists(`${path}.spec.containers[${index}]`, container, LISTS_OF_CONTAINER),
    ),
  ];
}

/** As in Kubernetes, null is an absent value. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function isListOfMappings(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.every(isMapping);
}

function notMapping(path: string, value: unknown): Problem[] {
  return isAbsent(value) || isMapping(value) ? [] : [{ path, message: 'must be a mapping' }];
}

function notLists(path: string, value: unknown, names: readonly string[]): Problem[] {
  if (!isMapping(value)) return [];
  return names
    .filter((name) => !isAbsent(value[name]) && !isListOfMappings(value[name]))
    .map((name) => ({ path: `${path}.${name}`, message: 'must be a list of mappings' }));
}
