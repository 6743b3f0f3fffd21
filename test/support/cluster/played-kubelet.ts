// A kubelet for `pods/log` and `pods/exec`: a node whose address is a TLS server of the test, which writes each answer
// piece by piece.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { KubeClient } from '../../../src/kubernetes/api/client.ts';
import type { ObjectMeta } from '../../../src/kubernetes/api/objects.ts';
import { readKey, type KubeEnvironment } from './kube.ts';

const NODE = 'played-node';
/** From the server of a WebSocket: RFC 6455. */
const WEB_SOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CHANNELS = { stdout: 1, stderr: 2, status: 3 } as const;

/** A command that a client executes in a container. Its WebSocket ends at this kubelet: servers before 1.30 pass it on. */
export interface PlayedExec {
  url: URL;
  write: (channel: keyof typeof CHANNELS, data: string | object) => void;
  /** Ends the connection without a status. */
  breakOff: () => void;
}

export class PlayedKubelet {
  readonly #server: Server;
  readonly #requests: { url: string; response: ServerResponse }[] = [];
  readonly #waiting: ((request: { url: string; response: ServerResponse }) => void)[] = [];
  readonly #sockets = new Set<Duplex>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', ({ url = '' }, response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.flushHeaders();
      const next = this.#waiting.shift();
      if (next) next({ url, response });
      else this.#requests.push({ url, response });
    });
    server.on('upgrade', (_, socket: Duplex) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    });
  }

  /** The next command that a client executes; the test plays it. */
  async exec(): Promise<PlayedExec> {
    const [request, socket] = (await once(this.#server, 'upgrade')) as [IncomingMessage, Duplex];
    const key = `${request.headers['sec-websocket-key']}${WEB_SOCKET}`;
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-protocol: v4.channel.k8s.io',
      `sec-websocket-accept: ${createHash('sha1').update(key).digest('base64')}`,
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return {
      url: new URL(request.url ?? '', 'https://node'),
      write: (channel, data) => {
        const text = typeof data === 'string' ? data : JSON.stringify(data);
        socket.write(frame(Buffer.concat([Buffer.of(CHANNELS[channel]), Buffer.from(text)])));
      },
      breakOff: () => socket.end(),
    };
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
    const metadata = { name: podOf(run), labels: { 'lsh.dev/job': job, 'lsh.dev/run': run } };
    await this.createPod(client, namespace, { metadata, container: 'run' });
    await setState(client, namespace, run, { running: { startedAt: new Date().toISOString() } });
  }

  /** Creates a pod on this node. */
  async createPod(
    client: KubeClient,
    namespace: string,
    { metadata, container }: { metadata: object; container: string },
  ): Promise<void> {
    const spec = { nodeName: NODE, containers: [{ name: container, image: 'none' }], restartPolicy: 'Never' };
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await client.json({ method: 'POST', path, body: { metadata, spec } });
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
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A whole binary message of at most 64 KiB. */
function frame(message: Buffer): Buffer {
  const head = Buffer.from([0x82, 126, 0, 0]);
  head.writeUInt16BE(message.length, 2);
  return Buffer.concat([head, message]);
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
