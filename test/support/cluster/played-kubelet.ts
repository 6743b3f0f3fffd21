// A kubelet for `pods/log`: a node whose address is a TLS server of the test, which writes each answer piece by piece.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import type { ObjectMeta } from '../../../src/kubernetes/api/objects.ts';
import { readKey, type KubeEnvironment } from './kube.ts';

const NODE = 'played-node';

export class PlayedKubelet {
  readonly #server: Server;
  readonly #requests: { url: string; response: ServerResponse }[] = [];
  readonly #waiting: ((request: { url: string; response: ServerResponse }) => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', ({ url = '' }, response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.flushHeaders();
      const next = this.#waiting.shift();
      if (next) next({ url, response });
      else this.#requests.push({ url, response });
    });
  }

  /** Starts the TLS server and registers the node. */
  static async start(environment: KubeEnvironment, client: KubeClient): Promise<PlayedKubelet> {
    const [cert, key] = await Promise.all(
      ['serving.crt', 'serving.key'].map((name) => readKey(environment, name)),
    );
    const server = createServer({ cert, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port: Port } = server.address() as AddressInfo;
    await client.json({ method: 'POST', path: '/api/v1/nodes', body: { metadata: { name: NODE } } });
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port } },
    };
    const contentType = 'application/merge-patch+json';
    await client.json({
      method: 'PATCH',
      path: `/api/v1/nodes/${NODE}/status`,
      body: { status },
      contentType,
    });
    return new PlayedKubelet(server);
  }

  /** Creates a pod of the run on this node, with a running container. */
  async runPod(
    client: KubeClient,
    namespace: string,
    { job, run }: { job: string; run: string },
  ): Promise<void> {
    const spec = { nodeName: NODE, containers: [{ name: 'run', image: 'none' }], restartPolicy: 'Never' };
    const body = { metadata: { name: podOf(run), labels: { 'lsh.dev/job': job, 'lsh.dev/run': run } }, spec };
    await client.json({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods`, body });
    await setState(client, namespace, run, { running: { startedAt: new Date().toISOString() } });
  }

  /** Binds a pod to this node, as a scheduler does. */
  async bind(client: KubeClient, { namespace, name }: ObjectMeta): Promise<void> {
    const body = { metadata: { name }, target: { apiVersion: 'v1', kind: 'Node', name: NODE } };
    await client.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods/${name}/binding`,
      body,
    });
  }

  /** Ends the container of the run’s pod. */
  async endPod(client: KubeClient, namespace: string, run: string): Promise<void> {
    await setState(client, namespace, run, { running: null, terminated: { exitCode: 0 } });
  }

  /** The next request for a log; the test answers it. */
  request(): Promise<{ url: string; response: ServerResponse }> {
    const waiting = this.#requests.shift();
    if (waiting) return Promise.resolve(waiting);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function podOf(run: string): string {
  return `${run}-pod`;
}

async function setState(client: KubeClient, namespace: string, run: string, state: object): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${podOf(run)}/status`;
  const containerStatuses = [
    { name: 'run', image: 'none', imageID: '', ready: true, restartCount: 0, state },
  ];
  const contentType = 'application/merge-patch+json';
  await client.json({ method: 'PATCH', path, body: { status: { containerStatuses } }, contentType });
}
