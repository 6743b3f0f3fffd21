// An admission webhook that denies everything that the API server asks it about, on a TLS server of the test.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import { readKey, type KubeEnvironment } from './kube.ts';

const PATH = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

/** Requests that the API server asks the webhook about. */
export interface WebhookRule {
  apiGroups: string[];
  resources: string[];
  operations: string[];
}

export interface Webhook {
  url: string;
  caBundle?: string;
}

/** A URL that no server answers: the webhook of an outage. */
export const SILENT_WEBHOOK: Webhook = { url: 'https://127.0.0.1:1/' };

/** Registers the webhook for the namespace; the returned function removes it. */
export async function registerWebhook(
  admin: KubeClient,
  namespace: string,
  { webhook, rules }: { webhook: Webhook; rules: WebhookRule[] },
): Promise<() => Promise<void>> {
  const labels = { [`webhook-${namespace}`]: 'yes' };
  const contentType = 'application/merge-patch+json';
  await admin.json({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}`,
    body: { metadata: { labels } },
    contentType,
  });
  const name = `deny-${namespace}`;
  await admin.json({
    method: 'POST',
    path: PATH,
    body: {
      metadata: { name },
      webhooks: [
        {
          name: `${name}.example.com`,
          clientConfig: { url: webhook.url, caBundle: webhook.caBundle },
          namespaceSelector: { matchLabels: labels },
          rules: rules.map((rule) => ({ ...rule, apiVersions: ['*'] })),
          failurePolicy: 'Fail',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: 2,
        },
      ],
    },
  });
  return async () => void (await admin.request({ method: 'DELETE', path: `${PATH}/${name}` }));
}

export class DenyingWebhook implements Webhook {
  readonly #server: Server;
  readonly caBundle: string;

  private constructor(server: Server, caPem: string) {
    this.#server = server;
    this.caBundle = Buffer.from(caPem).toString('base64');
    server.on('request', (request, response) => void this.#deny(request, response));
  }

  static async start(environment: KubeEnvironment): Promise<DenyingWebhook> {
    const [cert, key] = await Promise.all(
      ['serving.crt', 'serving.key'].map((name) => readKey(environment, name)),
    );
    const webhook = new DenyingWebhook(createServer({ cert, key }), environment.caPem);
    webhook.#server.listen(0, '127.0.0.1');
    await once(webhook.#server, 'listening');
    return webhook;
  }

  async #deny(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { request: review } = (await json(request)) as { request: { uid: string } };
    const status = { code: 403, message: 'denied by the test’s policy' };
    const answer = { uid: review.uid, allowed: false, status };
    const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
