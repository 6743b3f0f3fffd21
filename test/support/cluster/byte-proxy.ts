// A TCP proxy between client and API server that can hold bytes back, as a dead network does, or cut them off.
import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

export class ByteProxy {
  readonly #target: { host: string; port: number };
  readonly #server: Server;
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();
  /** Connections accepted so far. */
  accepted = 0;
  /** New connections are ended at once. */
  refusing = false;
  /** New connections are taken, and nothing passes through them. */
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

  /** Connections open now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** The connections there are go silent without an end; new ones work. */
  hold(): void {
    for (const { client, server } of this.#pairs) {
      client.unpipe();
      server.unpipe();
      // What comes is lost and not left waiting: else the end of the connection would wait behind it, unseen.
      client.resume();
      server.pause();
    }
  }

  /** Ends the connections there are; new ones work unless `refusing`. */
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
