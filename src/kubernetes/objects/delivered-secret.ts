// The Kubernetes Secret that `lsh push --to kubernetes` delivers, and that a job with spec.secretsEnv reads. Pure.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { LshError } from '../../core/errors.ts';
import { SECRETS_VERSION_VARIABLE } from '../../core/run-variables.ts';

const PROJECT = 'lsh.dev/project';
const ENVIRONMENT = 'lsh.dev/environment';
const VERSION = 'lsh.dev/secrets-version';
const HASH = 'lsh.dev/secrets-hash';
/** Bytes of all values: the limit of the API server. */
const DATA_MAX_BYTES = 1024 * 1024;
const LABEL_MAX_LENGTH = 63;

/** What is delivered. */
export interface Delivery {
  project: string;
  environment: string;
  /** Such as `prod@7`. */
  version: string;
  hash: string;
  variables: Readonly<Record<string, string>>;
}

/** The parts of a Secret that lsh reads and writes. */
export interface Secret {
  metadata: {
    name: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  data?: Record<string, string>;
}

/** The name of the Secret with the variables of an environment, one for each namespace. */
export function deliveredSecretName(environment: string): string {
  return `lsh-secrets-${environment}`;
}

/** The Secret, for a server-side apply. Throws DELIVERY_REFUSED if Kubernetes could not hold it. */
export function deliveredSecret({ project, environment, version, hash, variables }: Delivery) {
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(environment))
    throw new LshError('DELIVERY_REFUSED', {
      environment,
      detail: 'the name of a Kubernetes Secret has lower-case letters, digits and hyphens',
    });
  // The operator may not read the Secret, but a command and the runner of shell runs see this.
  const values = { ...variables, [SECRETS_VERSION_VARIABLE]: version };
  const bytes = Object.values(values).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  if (bytes > DATA_MAX_BYTES)
    throw new LshError('DELIVERY_REFUSED', {
      environment,
      detail: `its values have ${bytes} bytes, and a Secret holds ${DATA_MAX_BYTES}`,
    });
  const data = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: deliveredSecretName(environment),
      labels: {
        'app.kubernetes.io/managed-by': 'lsh',
        [PROJECT]: labelOf(project),
        [ENVIRONMENT]: environment,
      },
      // A label cannot hold a slash.
      annotations: { [PROJECT]: project, [VERSION]: version, [HASH]: hash },
    },
    type: 'Opaque',
    data: Object.fromEntries(data) as Record<string, string>,
  };
}

/** Whether the Secret was delivered for this environment of this project. */
export function isDelivered({ metadata }: Secret, { project, environment }: Delivery): boolean {
  return metadata.annotations?.[PROJECT] === project && metadata.labels?.[ENVIRONMENT] === environment;
}

/** Whether the Secret is as it was delivered. */
export function isSameDelivery(
  stored: Secret,
  { metadata, data }: ReturnType<typeof deliveredSecret>,
): boolean {
  const { annotations = {}, labels = {} } = stored.metadata;
  const has = (all: object, part: object) => isDeepStrictEqual({ ...all, ...part }, all);
  return (
    isDeepStrictEqual({ ...stored.data }, data) &&
    has(annotations, metadata.annotations) &&
    has(labels, metadata.labels)
  );
}

/** Who has the Secret, for people. */
export function ownerOf({ metadata: { annotations, labels } }: Secret): string {
  return annotations?.[PROJECT] ?? labels?.['app.kubernetes.io/managed-by'] ?? 'another program or user';
}

/** Names that a shell cannot use, or that `envFrom` leaves out. */
export function awkwardNames(variables: Readonly<Record<string, string>>): string[] {
  return Object.keys(variables).filter((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
}

function labelOf(project: string): string {
  const label = project.replaceAll(/[^A-Za-z0-9._-]/g, '.').replaceAll(/^[._-]+|[._-]+$/g, '');
  if (label.length <= LABEL_MAX_LENGTH) return label;
  const digits = createHash('sha256').update(project).digest('hex').slice(0, 8);
  return `${label.slice(0, LABEL_MAX_LENGTH - 9)}-${digits}`;
}
