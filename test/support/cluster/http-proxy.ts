// An HTTP/1.1 proxy in front of the API server that answers some requests itself, as a failing server would.
import { createServer, request as forward, type RequestOptions, type Server } from 'node:https';
import { once } from 'node:events';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { readKey, type KubeEnvironment } from './kube.ts';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** The server carries out the request, and its answer is lost. */
  carriedOut?: true;
  /** The answer stays open after its body, as a watch does. */
  unended?: true;
}

export interface SeenRequest {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  /** Monotonic milliseconds. */
  at: number;
}

export class HttpProxy {
  readonly #server: Server;
  readonly requests: SeenRequest[] = [];
  /** The proxy’s own answer; undefined forwards the request. */
  intercept: (request: SeenRequest) => Answer | undefined = () => undefined;
  readonly #backend: RequestOptions;

  private constructor(server: Server, backend: RequestOptions) {
    this.#server = server;
    this.#backend = backend;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#handle(request, response);
    });
  }

  static async start(environment: KubeEnvironment): Promise<HttpProxy> {
    const server = createServer({
      key: await readKey(environment, 'serving.key'),
      cert: await readKey(environment, 'serving.crt'),
    });
    const { server: url, caPem, certPem, keyPem } = environment.rest;
    const { hostname, port } = new URL(url);
    const proxy = new HttpProxy(server, { hostname, port, ca: caPem, cert: certPem, key: keyPem });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is not listening');
    return `https://127.0.0.1:${address.port}`;
  }

  /** The watch requests so far. */
  get watches(): SeenRequest[] {
    return this.requests.filter(({ url }) => url.searchParams.has('watch'));
  }

  /** Number of open connections. */
  open(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  /** Ends the open connections; new ones work. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const seen = {
      method: request.method ?? 'GET',
      url: new URL(request.url ?? '/', this.url),
      headers: request.headers,
      at: performance.now(),
    };
    this.requests.push(seen);
    const answer = this.intercept(seen);
    if (!answer) return this.#pass(request, response);
    const respond = () => {
      response.writeHead(answer.status, answer.headers).write(answer.body ?? '');
      if (!answer.unended) response.end();
    };
    if (answer.carriedOut)
      this.#forward(request, response).on('response', (real) => real.on('end', respond).resume());
    else respond();
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    this.#forward(request, response).on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // A quiet watch sends only its headers for a long time.
      response.flushHeaders();
      answer.pipe(response);
    });
  }

  #forward(request: IncomingMessage, response: ServerResponse): ClientRequest {
    const { method, url, headers } = request;
    const backend = forward({ ...this.#backend, method, path: url, headers });
    backend.on('error', () => response.destroy());
    response.on('close', () => backend.destroy());
    return request.pipe(backend);
  }
}
