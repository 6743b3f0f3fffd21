// README.md of the chart. The comments in values.yaml make its table.
import { readFileSync } from 'node:fs';
import { isMap, parseDocument, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { CHART } from '../chart/helm.ts';
import { GENERATED, table } from '../pages/markdown.ts';

/** One value that a user may set. */
export interface ChartValue {
  /** For example `shell.runAsUser`. */
  path: string;
  description: string;
  default: unknown;
}

/** Every value, in the order of the file. Throws for a value without a comment. */
export function chartValues(text = readFileSync(`${CHART}/values.yaml`, 'utf8')): ChartValue[] {
  return valuesOf(parseDocument(text).contents as YAMLMap, '');
}

function valuesOf(map: YAMLMap, prefix: string): ChartValue[] {
  return map.items.flatMap((item, index) => {
    const pair = item as Pair<Scalar<string>>;
    const path = prefix + pair.key.value;
    const { value } = pair;
    if (isMap(value) && hasComments(value)) return valuesOf(value, `${path}.`);
    const description = commentOf(pair.key) ?? (index === 0 ? commentOf(map) : undefined);
    if (description === undefined) throw new Error(`${path} has no comment in values.yaml`);
    return [{ path, description, default: (value as Node).toJSON() as unknown }];
  });
}

/** Whether comments describe the fields of the map; otherwise the map is one value. */
function hasComments(map: YAMLMap): boolean {
  if (commentOf(map) !== undefined) return true;
  return map.items.some(
    ({ key, value }) => commentOf(key as Scalar) !== undefined || (isMap(value) && hasComments(value)),
  );
}

/** The last paragraph of the comment; earlier paragraphs describe the file. */
function commentOf({ commentBefore }: Scalar | YAMLMap): string | undefined {
  const paragraph = commentBefore?.split(/\n\s*\n/).at(-1);
  return paragraph?.replaceAll(/\s*\n\s*/g, ' ').trim();
}

/** The page as Markdown. */
export function chartReadme(): string {
  const rows = chartValues().map(({ path, description, default: value }) => [
    `\`${path}\``,
    description,
    `\`${JSON.stringify(value)}\``,
  ]);
  return `${GENERATED}

# The chart of lsh

The operator that carries out LshJobs: commands on a schedule, with a record of every slot.

\`\`\`sh
helm install lsh charts/lsh --namespace lsh-system --create-namespace
helm test lsh --namespace lsh-system
\`\`\`

Helm 3.6 or newer, Kubernetes 1.20 or newer. Install one release per namespace: its operators share one Lease.

## Two replicas

\`\`\`sh
helm install lsh charts/lsh -n lsh-system --create-namespace -f charts/lsh/values-ha.yaml
\`\`\`

## For some namespaces only

\`\`\`sh
helm install lsh charts/lsh -n team-a --set 'namespaces={team-a}' --set rbac.scope=Namespaced
\`\`\`

With \`crds.enabled=false\` and \`rbac.aggregate=false\` as well, the release creates nothing outside these namespaces; an
administrator installs \`deploy/crd.yaml\` once.

## What runs where

The pod has two containers. Only \`controller\` has the token of the operator's account. \`shell\` executes the commands of LshJobs
with \`executor: Shell\`, as another user, without a token, and cannot see the controller's processes. Both pass PodSecurity's
*restricted* profile. Every user who may create LshJobs in a namespace of \`shell.namespaces\` may run commands in the shell container,
which all of them share; \`shell.enabled=false\` removes it.

Only \`controller\` gets the Secret of the team's Supabase project (\`supabase.existingSecret\`); only \`shell\` gets the Secret with a key
for commands (\`secretsKey.existingSecret\`), and the Secrets that \`lsh push\` delivered (\`shell.secretsEnv\`). After a change of one of the first
two, run \`kubectl rollout restart\` on the Deployment; the kubelet renews the mounted ones by itself.

## Upgrade and uninstall

\`helm upgrade\` installs the newest definition of LshJob. \`helm uninstall\` leaves the definition and every LshJob, unless
\`crds.keep=false\`; \`kubectl delete crd lshjobs.lsh.dev\` deletes them.

## Values

helm checks each value against \`values.schema.json\`; the chart refuses values that contradict each other and says why.

${table(['value', 'meaning', 'default'], rows)}
`;
}
