// The HTTP server for probes and Prometheus: /healthz, /readyz, /metrics. Read-only.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

export interface TelemetryServerOptions {
  /** 0 picks a free port. */
  port: number;
  /** The reason why the process is not ready; undefined if it is ready. */
  notReady: () => string | undefined;
  metrics: () => Promise<{ type: string; body: string }>;
}

export class TelemetryServer {
  readonly #options: TelemetryServerOptions;
  readonly #server: Server;

  constructor(options: TelemetryServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request.url ?? '', response));
  }

  /** Resolves with the port when the server listens. */
  async listen(): Promise<number> {
    this.#server.listen(this.#options.port);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #answer(url: string, response: ServerResponse): Promise<void> {
    const path = url.split('?')[0];
    if (path === '/healthz') return plain(response, 200, 'ok\n');
    if (path === '/readyz') {
      const reason = this.#options.notReady();
      return plain(response, reason === undefined ? 200 : 503, `${reason ?? 'ok'}\n`);
    }
    if (path !== '/metrics') return plain(response, 404, 'not found\n');
    try {
      const { type, body } = await this.#options.metrics();
      response.writeHead(200, { 'content-type': type }).end(body);
    } catch (error) {
      plain(response, 500, `${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}
