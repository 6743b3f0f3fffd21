// Delivers the newest version of an environment to a cluster.
import { awkwardNames } from '../../kubernetes/objects/delivered-secret.ts';
import { deliverSecret, type Delivered } from '../../kubernetes/verbs/secret-delivery.ts';
import { clientOf, type ClusterOptions } from '../cluster-jobs.ts';
import type { ProjectSecrets } from './project-secrets.ts';
import { requireHead } from './pull.ts';

export interface DeliveredVersion extends Delivered {
  /** Such as `prod@7`. */
  version: string;
  /** Variables whose names a shell cannot use. */
  awkward: string[];
}

export async function deliver(
  secrets: ProjectSecrets,
  environment: string,
  { namespace, ...choice }: Pick<ClusterOptions, 'kubeconfig' | 'context' | 'namespace'>,
): Promise<DeliveredVersion> {
  const vault = secrets.vault(environment);
  const { versions, file } = await requireHead(vault);
  const version = `${environment}@${versions.map((each) => each.version).join('+')}`;
  const client = clientOf(choice);
  try {
    const variables = Object.fromEntries(file.values);
    const delivered = await deliverSecret(
      { client, namespace: namespace ?? client.namespace },
      { ...vault.ref, version, hash: versions[0]!.hash, variables },
    );
    const { name, namespace: into, result } = delivered;
    if (result !== 'unchanged') await vault.record('deliver', versions[0], `Secret ${into}/${name}`);
    return { ...delivered, version, awkward: awkwardNames(variables) };
  } finally {
    await client.close();
  }
}
