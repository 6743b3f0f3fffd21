// One dispatcher for all calls to the API server: a call is a stream on an open connection, not a TLS handshake of
// its own. Knows TLS options and protocols, no Kubernetes objects.
import { subscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { DispatcherOptions } from '@kubernetes/client-node';
import { Agent, buildConnector, type Dispatcher } from 'undici';

/** The server, and the TLS options or the proxy that reach it. */
export interface Target {
  server: string;
  options: DispatcherOptions;
  /** Creates the library’s own dispatcher, for a cluster behind a proxy. */
  proxied: () => Dispatcher | undefined;
}

/** The connector throws it when the server chooses HTTP/1.1 on a connection that offered HTTP/2. */
class Http1Only extends Error {}

// Over HTTP/1.1 each watch occupies a connection; over HTTP/2 all calls share one.
const HTTP1_CONNECTIONS = 32;
const HTTP2_STREAMS = 128;
const KEEP_ALIVE_PROBE_MS = 30_000;
const HEADERS_TIMEOUT_MS = 30_000;
// Longer than WATCH_SILENCE_MS: the watchdog must notice a silent watch first.
const BODY_TIMEOUT_MS = 120_000;

// The server can still answer a call that was aborted while it was being sent. Node then creates a stream without an
// error listener, whose error at the end of the connection would crash this process.
subscribe('http2.client.stream.created', (message) => {
  if (typeof message !== 'object' || message === null || !('stream' in message)) return;
  if (message.stream instanceof EventEmitter) message.stream.on('error', () => undefined);
});

export class DispatcherPool {
  #http2 = true;
  #target: Target | undefined;
  #dispatcher: Dispatcher | undefined;
  readonly #retired = new Set<Dispatcher>();

  /** The dispatcher for this target; the same one until a credential in it changes. */
  get(target: Target): Dispatcher {
    if (this.#dispatcher && this.#target && sameTarget(this.#target, target)) return this.#dispatcher;
    this.#retire();
    this.#target = target;
    this.#dispatcher = this.#create(target);
    return this.#dispatcher;
  }

  /** Whether the error says that the server lacks HTTP/2; if so, the next dispatcher uses HTTP/1.1. */
  fellBackToHttp1(error: unknown): boolean {
    if (!(error instanceof Http1Only)) return false;
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

  // Calls under way finish on the old connection; new calls use the new one.
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

// The library reads TLS material from its files for every call: equal targets are equal bytes, not the same object.
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
