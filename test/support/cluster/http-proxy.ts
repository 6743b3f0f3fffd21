// An HTTP/1.1 proxy in front of the API server that answers some requests itself, as a server in trouble does.
import { createServer, request as forward, type RequestOptions, type Server } from 'node:https';
import { once } from 'node:events';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { readKey, type KubeEnvironment } from './kube.ts';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** The request is carried out all the same, and the real answer is lost. */
  carriedOut?: true;
  /** After the body the answer goes on, with nothing, as a watch does. */
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
  /** What the proxy answers itself; undefined lets the request through. */
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

  /** Requests for watches. */
  get watches(): SeenRequest[] {
    return this.requests.filter(({ url }) => url.searchParams.has('watch'));
  }

  /** Connections open now. */
  open(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  }

  /** Ends the connections there are; new ones work. */
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
    const own = this.intercept(seen);
    if (!own) return this.#pass(request, response);
    const answerIt = () => {
      response.writeHead(own.status, own.headers).write(own.body ?? '');
      if (!own.unended) response.end();
    };
    if (own.carriedOut)
      this.#forward(request, response).on('response', (real) => real.on('end', answerIt).resume());
    else answerIt();
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    this.#forward(request, response).on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // A quiet watch has a head and nothing else for a long time.
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
