// Delivers the variables of an environment as a Kubernetes Secret, with the rights of the user. Prints nothing of them.
import { LshError } from '../../core/errors.ts';
import { isNotFound } from '../api/api-errors.ts';
import {
  deliveredSecret,
  isDelivered,
  isSameDelivery,
  ownerOf,
  type Delivery,
  type Secret,
} from '../objects/delivered-secret.ts';
import { withCallError, type Scope } from './api-calls.ts';

/** The writer of the fields: what a newer version lacks, the server removes. */
const FIELD_MANAGER = 'lsh-secrets';

export interface Delivered {
  name: string;
  namespace: string;
  result: 'created' | 'configured' | 'unchanged';
}

/** Throws DELIVERY_REFUSED for a Secret that lsh did not deliver for this environment, and CLUSTER_…. */
export async function deliverSecret({ client, namespace }: Scope, delivery: Delivery): Promise<Delivered> {
  const wanted = deliveredSecret(delivery);
  const { name } = wanted.metadata;
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const call = { server: client.server, resource: 'secrets', namespace, name };
  const before = await withCallError(
    client.json<Secret>({ path }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    }),
    { ...call, verb: 'get' },
  );
  if (before !== undefined && !isDelivered(before, delivery))
    throw new LshError(
      'DELIVERY_REFUSED',
      {
        environment: delivery.environment,
        detail: `the Secret ${namespace}/${name} belongs to ${ownerOf(before)}`,
      },
      { hint: 'Delete that Secret if it is yours, or deliver into another namespace with --namespace.' },
    );
  if (before !== undefined && isSameDelivery(before, wanted)) return { name, namespace, result: 'unchanged' };
  // With the version that was looked at: no other Secret is in its place since.
  const { resourceVersion } = before?.metadata ?? {};
  await withCallError(
    client.json<Secret>({
      method: 'PATCH',
      path,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: FIELD_MANAGER, force: before !== undefined },
      body: { ...wanted, metadata: { ...wanted.metadata, ...(resourceVersion && { resourceVersion }) } },
    }),
    { ...call, verb: 'patch' },
  );
  return { name, namespace, result: before === undefined ? 'created' : 'configured' };
}
