// The chart as helm renders it. Without helm the chart tests are skipped with one line, and fail in CI.
import { parseAllDocuments, stringify } from 'yaml';
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { Wire } from '../../../src/kubernetes/api/objects.ts';
import { CHART, findHelm, helm, NO_HELM as WHY } from '../../../scripts/chart/helm.ts';

export type PodSpec = Wire<V1PodSpec>;
export type Container = Wire<V1Container>;

/** An object of a release, of any kind. */
export interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  rules?: { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
  roleRef?: object;
  subjects?: object[];
  data?: Record<string, string>;
  spec?: Record<string, unknown>;
}

/** Whether the chart tests are skipped. */
export const NO_HELM = findHelm() === undefined;
if (NO_HELM && process.env['CI']) throw new Error(`the tests of the chart need helm; ${WHY}`);
if (NO_HELM) process.stderr.write(`The tests of the chart are skipped: ${WHY}.\n`);

/** The YAML version of helm and kubectl. */
const YAML = { version: '1.1' } as const;

export interface Release {
  name?: string;
  namespace?: string;
  /** Version of the API server, such as `1.36`. */
  kube?: string;
  /** Values files of the chart. */
  files?: string[];
  /** Directory of another chart. */
  chart?: string;
}

/** Rendered releases of this process, by helm’s arguments and input. */
const texts = new Map<string, string>();

/** Text of the release. Throws helm’s error. */
export function rendered(values: object = {}, release: Release = {}): string {
  const { name = 'lsh', namespace = 'lsh-system', kube = '1.30', files = [], chart = CHART } = release;
  const options = [`--namespace=${namespace}`, `--kube-version=v${kube}.0`];
  const more = files.map((file) => `--values=${CHART}/${file}`);
  const args = ['template', name, chart, ...options, ...more, '--values=-'];
  const input = stringify(values, YAML);
  const key = [...args, input].join(' ');
  const text = texts.get(key) ?? helm(args, input);
  texts.set(key, text);
  return text;
}

/** Every object of the release, with those of `helm test`. */
export function render(values: object = {}, release: Release = {}): Rendered[] {
  return objectsIn(rendered(values, release));
}

/** The objects in a text. */
export function objectsIn(text: string): Rendered[] {
  return parseAllDocuments(text, YAML)
    .map((document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS() as Rendered | null;
    })
    .filter((object) => object !== null);
}

/** Helm’s error about the values. Throws if helm accepts them. */
export function refusal(values: object, release: Release = {}): string {
  try {
    rendered(values, release);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the values were accepted');
}

/** The only object of the kind, or of the kind and name. */
export function only(objects: readonly Rendered[], kind: string, name?: string): Rendered {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || name === object.metadata.name),
  );
  if (found.length !== 1) throw new Error(`${found.length} objects of kind ${kind} (${name ?? 'any name'})`);
  return found[0]!;
}

/** The pod of the Deployment. */
export function podOf(objects: readonly Rendered[]): PodSpec {
  const { template } = only(objects, 'Deployment').spec as { template: { spec: PodSpec } };
  return template.spec;
}

/** The pod of `helm test`. */
export function testPodOf(objects: readonly Rendered[]): PodSpec {
  return (only(objects, 'Pod') as unknown as Wire<V1Pod>).spec!;
}

/** A container of the Deployment’s pod. */
export function container(objects: readonly Rendered[], name: string): Container {
  const found = podOf(objects).containers.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no container ${name}`);
  return found;
}

/** The container’s variables by name. */
export function envOf({ env = [] }: Container): Record<string, string | undefined> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

/** The LshJobs that `helm test` creates. */
export function testJobs(objects: readonly Rendered[]): Rendered[] {
  return objectsIn(envOf(testPodOf(objects).containers[0]!)['DOCUMENTS'] ?? '');
}
