// The manifests in deploy/ for users without helm: the rendered chart without the metadata that only helm reads.
import { parseAllDocuments, stringify } from 'yaml';
import { CHART, helm } from '../chart/helm.ts';

interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
}

const NAMESPACE = 'lsh-system';
/** Selects the API versions of the rendered objects, which every server since 1.21 accepts. */
const KUBE_VERSION = 'v1.30.0';

/** helm and kubectl read YAML 1.1, where a bare `off` is a boolean. */
const YAML = { version: '1.1' } as const;

const HEAD = `# Generated from ${CHART} by \`npm run gen\`; edit that instead. crd.yaml holds the definition of LshJob, so deleting
# the objects of this file leaves the LshJobs of all other namespaces. The deletion includes the namespace lsh-system and
# its LshJobs.
`;

/** The namespace and the release without the definition of LshJob, as a file for kubectl apply. */
export function plainManifests(...args: string[]): string {
  const release = ['template', 'lsh', CHART, `--namespace=${NAMESPACE}`, `--kube-version=${KUBE_VERSION}`];
  const rendered = helm([...release, '--set=crds.enabled=false', ...args]);
  const objects = parseAllDocuments(rendered, YAML)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null)
    .filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === undefined)
    .map(withoutHelm);
  return HEAD + [namespace(), ...objects].map(yaml).join('---\n');
}

function withoutHelm({ apiVersion, kind, metadata, ...rest }: Rendered): Rendered {
  const { 'helm.sh/chart': _, 'app.kubernetes.io/managed-by': __, ...labels } = metadata.labels ?? {};
  return { apiVersion, kind, metadata: { ...metadata, labels }, ...rest };
}

/** The label refuses pods that could harm their node. */
function namespace(): Rendered & { metadata: { name: string } } {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } };
}

function yaml(object: object): string {
  return stringify(object, { ...YAML, aliasDuplicateObjects: false, lineWidth: 110 });
}
