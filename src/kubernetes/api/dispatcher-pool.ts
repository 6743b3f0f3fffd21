// One dispatcher for every call to the API server, so that a call is a stream on an open connection and not a
// handshake of its own. Knows TLS options and protocols; nothing of Kubernetes objects.
import { subscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { DispatcherOptions } from '@kubernetes/client-node';
import { Agent, buildConnector, type Dispatcher } from 'undici';

/** What a dispatcher is made from: the server, and the TLS options or the proxy to reach it. */
export interface Target {
  server: string;
  options: DispatcherOptions;
  /** Makes the dispatcher of a proxied cluster, which is not ours to build. */
  proxied: () => Dispatcher | undefined;
}

/** Thrown by the connector: this server answered a connection that was made for HTTP/2 with HTTP/1.1. */
class Http1Only extends Error {}

// A watch keeps one HTTP/1.1 connection to itself, hence many; over HTTP/2 all share one.
const HTTP1_CONNECTIONS = 32;
const HTTP2_STREAMS = 128;
const KEEP_ALIVE_PROBE_MS = 30_000;
const HEADERS_TIMEOUT_MS = 30_000;
// Longer than the watchdog of a watch, which has the first word.
const BODY_TIMEOUT_MS = 120_000;

// A call that is given up while it is being sent can be answered all the same. Node then makes up a stream that nobody
// asked for, and its error at the end of the connection would be the end of this process.
subscribe('http2.client.stream.created', (message) => {
  if (typeof message !== 'object' || message === null || !('stream' in message)) return;
  if (message.stream instanceof EventEmitter) message.stream.on('error', () => undefined);
});

export class DispatcherPool {
  #http2 = true;
  #target: Target | undefined;
  #dispatcher: Dispatcher | undefined;
  readonly #retired = new Set<Dispatcher>();

  /** The dispatcher for this target: the same one until a credential in it changes. */
  get(target: Target): Dispatcher {
    if (this.#dispatcher && this.#target && sameTarget(this.#target, target)) return this.#dispatcher;
    this.#retire();
    this.#target = target;
    this.#dispatcher = this.#create(target);
    return this.#dispatcher;
  }

  /** Whether the error says that the server has no HTTP/2; the next dispatcher is then made without it. */
  fellBackToHttp1(error: unknown): boolean {
    if (!(error instanceof Error && error.cause instanceof Http1Only)) return false;
    if (this.#http2) {
      this.#http2 = false;
      this.drop();
    }
    return true;
  }

  /** Ends the connection and every call on it; the next call opens a new one. */
  drop(): void {
    const dropped = this.#dispatcher;
    this.#dispatcher = undefined;
    if (dropped) this.#destroy(dropped);
  }

  /** Ends every connection; resolves when no socket is left. */
  async close(): Promise<void> {
    this.drop();
    await Promise.all([...this.#retired].map((dispatcher) => dispatcher.destroy()));
  }

  #create({ server, options, proxied }: Target): Dispatcher {
    if (options.type === 'proxy' || options.type === 'socks') return proxied() ?? new Agent();
    const connect = options.type === 'agent' ? options.connect : {};
    const shared = { headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: BODY_TIMEOUT_MS };
    if (!this.#http2 || server.startsWith('http:')) {
      return new Agent({
        ...shared,
        connections: HTTP1_CONNECTIONS,
        connect: { ...connect, allowH2: false },
      });
    }
    return new Agent({
      ...shared,
      allowH2: true,
      connections: 1,
      pipelining: HTTP2_STREAMS,
      connect: http2Connector(connect),
    });
  }

  // Calls under way may finish on the old connection; what is new goes over the new one.
  #retire(): void {
    const retired = this.#dispatcher;
    if (!retired) return;
    this.#retired.add(retired);
    void retired.close().finally(() => this.#retired.delete(retired));
  }

  #destroy(dispatcher: Dispatcher): void {
    this.#retired.add(dispatcher);
    void dispatcher.destroy().finally(() => this.#retired.delete(dispatcher));
  }
}

function http2Connector(tls: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector({ ...tls, allowH2: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS });
  return (options, callback) => {
    connect(options, (...result) => {
      const [error, socket] = result;
      if (error === null && 'alpnProtocol' in socket && socket.alpnProtocol !== 'h2') {
        socket.destroy();
        callback(new Http1Only('the server has no HTTP/2'), null);
      } else callback(...result);
    });
  };
}

function sameTarget(a: Target, b: Target): boolean {
  return a.server === b.server && same(a.options, b.options);
}

// TLS material is read from its files for every call, so equal means equal bytes.
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return a.equals(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => same(Reflect.get(a, key) as unknown, Reflect.get(b, key) as unknown))
  );
}
