// Waits for rights: a binding takes effect a moment after the API server has accepted it.
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { eventually } from '../eventually.ts';

/** One right, as an access review names it. */
export interface Access {
  verb: string;
  group?: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

/** Resolves once the service account, `namespace:name`, has the right. */
export async function untilAllowed(admin: KubeClient, account: string, access: Access): Promise<void> {
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user: `system:serviceaccount:${account}`, resourceAttributes: access },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const isAllowed = async (): Promise<boolean> =>
    (await admin.json<{ status: { allowed: boolean } }>({ method: 'POST', path, body })).status.allowed;
  await eventually(isAllowed, { what: `${account} to be allowed to ${access.verb} ${access.resource}` });
}
