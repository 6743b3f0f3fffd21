// A TCP proxy between client and API server that can drop bytes, as a dead network does, or cut connections.
import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

export class ByteProxy {
  readonly #target: { host: string; port: number };
  readonly #server: Server;
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();
  /** Connections accepted so far. */
  accepted = 0;
  /** Ends new connections at once. */
  refusing = false;
  /** Accepts new connections, and drops their bytes. */
  swallowing = false;

  private constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#target = { host: hostname, port: Number(port) };
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(target: string): Promise<ByteProxy> {
    const proxy = new ByteProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is not listening');
    return `https://127.0.0.1:${address.port}`;
  }

  /** Number of open connections. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Silences the open connections without ending them; new ones work. */
  hold(): void {
    for (const { client, server } of this.#pairs) {
      client.unpipe();
      server.unpipe();
      // Drop the client’s bytes: unread, they would hide the end of the connection behind them.
      client.resume();
      server.pause();
    }
  }

  /** Ends the open connections; new ones work unless `refusing`. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    if (this.refusing) {
      client.destroy();
      return;
    }
    this.accepted++;
    const pair = { client, server: connect(this.#target) };
    this.#pairs.add(pair);
    const end = () => {
      client.destroy();
      pair.server.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of [client, pair.server]) socket.on('error', end).on('close', end);
    if (!this.swallowing) client.pipe(pair.server).pipe(client);
  }
}
