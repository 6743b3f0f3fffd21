// Delivery of secrets to a real API server: what the Secret holds, whose it is, and what is refused.
import { describe, expect, test } from 'vitest';
import { awkwardNames, type Delivery } from '../../../src/kubernetes/objects/delivered-secret.ts';
import { deliverSecret } from '../../../src/kubernetes/verbs/secret-delivery.ts';
import { NO_KUBE } from '../../support/cluster/kube.ts';
import { aTestCluster } from '../../support/cluster/test-cluster.ts';

interface Stored {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> };
  type: string;
  data: Record<string, string>;
}

const PROD: Delivery = {
  project: 'github.com/acme/app',
  environment: 'prod',
  version: 'prod@7',
  hash: 'a'.repeat(64),
  variables: { TOKEN: 'canary-of-delivery', KEY: 'line 1\nline 2\n', EMPTY: '' },
};

describe.skipIf(NO_KUBE)('on an API server', () => {
  const cluster = aTestCluster('secrets');
  const scope = () => ({ client: cluster.client, namespace: cluster.namespace });
  const path = (name: string) => `/api/v1/namespaces/${cluster.namespace}/secrets/${name}`;
  const stored = (name: string) => cluster.client.json<Stored>({ path: path(name) });
  const decoded = ({ data }: Stored) =>
    Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );

  test('creates, changes and leaves a Secret with its owner and version', async () => {
    expect(await deliverSecret(scope(), PROD)).toEqual({
      name: 'lsh-secrets-prod',
      namespace: 'secrets',
      result: 'created',
    });
    const first = await stored('lsh-secrets-prod');
    expect(first.type).toBe('Opaque');
    expect(decoded(first)).toEqual({ ...PROD.variables, LSH_SECRETS_VERSION: 'prod@7' });
    expect(first.metadata.labels).toMatchObject({
      'lsh.dev/project': 'github.com.acme.app',
      'lsh.dev/environment': 'prod',
    });
    expect(first.metadata.annotations).toMatchObject({
      'lsh.dev/project': PROD.project,
      'lsh.dev/secrets-version': 'prod@7',
      'lsh.dev/secrets-hash': PROD.hash,
    });
    expect(await deliverSecret(scope(), PROD)).toMatchObject({ result: 'unchanged' });
    const next = { ...PROD, version: 'prod@8', variables: { TOKEN: 'new' } };
    expect(await deliverSecret(scope(), next)).toMatchObject({ result: 'configured' });
    expect(decoded(await stored('lsh-secrets-prod'))).toEqual({
      TOKEN: 'new',
      LSH_SECRETS_VERSION: 'prod@8',
    });
  });

  test('takes back what a user edited by hand', async () => {
    const staging = { ...PROD, environment: 'staging', version: 'staging@1' };
    await deliverSecret(scope(), staging);
    await cluster.client.json({
      method: 'PATCH',
      path: path('lsh-secrets-staging'),
      contentType: 'application/merge-patch+json',
      body: { stringData: { TOKEN: 'by hand' } },
    });
    expect(await deliverSecret(scope(), staging)).toMatchObject({ result: 'configured' });
    expect(decoded(await stored('lsh-secrets-staging'))).toMatchObject({ TOKEN: 'canary-of-delivery' });
  });

  test('takes over no Secret of another user or project, and says whose it is', async () => {
    const body = { metadata: { name: 'lsh-secrets-dev' }, stringData: { TOKEN: 'theirs' } };
    await cluster.client.json({ method: 'POST', path: path('').slice(0, -1), body });
    const dev = { ...PROD, environment: 'dev' };
    await expect(deliverSecret(scope(), dev)).rejects.toMatchObject({
      code: 'DELIVERY_REFUSED',
      message: expect.stringContaining(
        'secrets/lsh-secrets-dev belongs to another program or user',
      ) as string,
    });
    expect(decoded(await stored('lsh-secrets-dev'))).toEqual({ TOKEN: 'theirs' });
    const test = { ...PROD, environment: 'test' };
    await deliverSecret(scope(), test);
    await expect(deliverSecret(scope(), { ...test, project: 'github.com/acme/other' })).rejects.toMatchObject(
      {
        message: expect.stringContaining('belongs to github.com/acme/app') as string,
      },
    );
  });

  test('says before the call what a Secret cannot hold, and shows no value in an error', async () => {
    const large = { ...PROD, variables: { TOKEN: 'canary-of-delivery', BIG: 'x'.repeat(1024 * 1024) } };
    const error = await deliverSecret(scope(), large).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({
      code: 'DELIVERY_REFUSED',
      message: expect.stringMatching(/have 10486\d\d bytes/) as string,
    });
    await expect(deliverSecret(scope(), { ...PROD, environment: 'Prod_1' })).rejects.toMatchObject({
      message: expect.stringContaining('lower-case') as string,
    });
    const refused = { ...PROD, environment: 'other', variables: { 'no key': 'canary-of-delivery' } };
    const answer = (await deliverSecret(scope(), refused).catch((thrown: unknown) => thrown)) as Error;
    expect(answer.message).toContain('data[no key]');
    expect(answer.message).not.toContain('canary');
  });
});

test('names that a shell cannot use are told apart', () => {
  expect(awkwardNames({ A_1: '', 'a.b': '', '1A': '', 'x-y': '' })).toEqual(['a.b', '1A', 'x-y']);
});
