// KubeConfig -> API clients: one pooled connection, credentials that are reloaded after a 401, typed clients and plain
// requests over the same path. Knows no LshJob.
import {
  ApiException,
  createConfiguration,
  HttpMethod,
  Observable,
  RequestContext,
  ServerConfiguration,
  type ApiConstructor,
  type Cluster,
  type KubeConfig,
} from '@kubernetes/client-node';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AgentOptions } from 'node:https';
import type { Dispatcher } from 'undici';
import { DispatcherPool } from './dispatcher-pool.ts';
import { readBody, transport, typedAnswer, type Answer } from './transport.ts';

type DispatcherFactory = (cluster: Cluster | null, tls: AgentOptions) => Dispatcher | undefined;

export interface KubeRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path on the server, such as `/apis/batch/v1/jobs`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON. */
  body?: object;
  contentType?: PatchType | 'application/json';
  signal?: AbortSignal;
}

/** How the server interprets the body of a PATCH. */
export type PatchType =
  | 'application/merge-patch+json'
  | 'application/json-patch+json'
  | 'application/apply-patch+yaml';

export interface KubeClientOptions {
  /** Loads the configuration: at the start, and again after a 401. */
  load: () => KubeConfig;
  userAgent: string;
  /** Called for each answer; with status 0 for a call that got none. */
  onAnswer?: (method: string, status: number, url: string) => void;
}

export class KubeClient {
  readonly #options: KubeClientOptions;
  readonly #pool = new DispatcherPool();
  #config: KubeConfig;

  constructor(options: KubeClientOptions) {
    this.#options = options;
    this.#config = this.#load();
  }

  /** The same for each client of one cluster: from its certificate authority, or from its address if it has none. */
  get clusterId(): string {
    const { caData, caFile, server } = this.#config.getCurrentCluster()!;
    const authority = caData ?? (caFile === undefined ? server : readFileSync(caFile, 'base64'));
    return createHash('sha256').update(authority).digest('hex').slice(0, 16);
  }

  /** URL of the API server. */
  get server(): string {
    return this.#config.getCurrentCluster()!.server;
  }

  /** Namespace of the current context; `default` if the context names none. */
  get namespace(): string {
    return this.#config.getContextObject(this.#config.currentContext)?.namespace ?? 'default';
  }

  /** The configuration as it was loaded last, for a call that is no request, such as a WebSocket. */
  get config(): KubeConfig {
    return this.#config;
  }

  /** A typed client of one API group. */
  api<T extends object>(type: ApiConstructor<T>): T {
    return new type(
      createConfiguration({
        baseServer: new ServerConfiguration(this.server, {}),
        authMethods: {
          default: {
            getName: () => 'kubeconfig',
            applySecurityAuthentication: (context) => this.#authenticate(context),
          },
        },
        httpApi: { send: (request) => new Observable(this.#send(request).then(typedAnswer)) },
      }),
    );
  }

  /** Sends a request. The caller must read the answer to a GET. Throws ApiException for a status of 400 and above. */
  async request(request: KubeRequest): Promise<Answer> {
    const response = await this.#send(await this.#context(request));
    const { httpStatusCode, headers } = response;
    const failed = httpStatusCode >= 400;
    // Callers need not read the answer to a write. Unread, it would keep its stream until the connection ends, and
    // then raise an uncaught error.
    if (!failed && (request.method ?? 'GET') === 'GET') return response;
    const body = await response.body.text();
    if (failed) throw new ApiException(httpStatusCode, request.path, body, headers);
    return { ...response, body: readBody(body) };
  }

  /** Sends a request and parses the answer as JSON. Throws as request(). */
  async json<T>(request: KubeRequest): Promise<T> {
    const response = await this.request(request);
    return JSON.parse(await response.body.text()) as T;
  }

  /** Gives up a dead connection: every call on it fails, and the next call opens a new one. */
  dropConnection(): void {
    this.#pool.drop();
  }

  /**
   * Gives up the connection if the server does not answer a probe within `limitMs`, milliseconds. Any answer, an error
   * too, keeps the connection.
   */
  async dropIfSilent(limitMs: number): Promise<void> {
    const asked = this.request({ path: '/livez', signal: AbortSignal.timeout(limitMs) });
    const answered = await asked
      .then(({ body }) => body.text())
      .then(
        () => true,
        (error: unknown) => error instanceof ApiException,
      );
    if (!answered) this.dropConnection();
  }

  /** Ends every call and connection. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  async #context({ method, path, query, body, contentType, signal }: KubeRequest): Promise<RequestContext> {
    const context = new RequestContext(this.server + path, HttpMethod[method ?? 'GET']);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) context.setQueryParam(name, String(value));
    }
    context.setHeaderParam('Accept', 'application/json');
    if (body !== undefined) {
      context.setHeaderParam('Content-Type', contentType ?? 'application/json');
      context.setBody(JSON.stringify(body));
    }
    if (signal) context.setSignal(signal);
    await this.#authenticate(context);
    return context;
  }

  async #send(request: RequestContext): Promise<Answer> {
    const used = this.#config;
    const response = await this.#sendOnce(request).catch((error: unknown) => {
      this.#options.onAnswer?.(request.getHttpMethod(), 0, request.getUrl());
      throw error;
    });
    this.#options.onAnswer?.(request.getHttpMethod(), response.httpStatusCode, request.getUrl());
    if (response.httpStatusCode !== 401) return response;
    // A token can be replaced before the library reads its file again: reload everything and retry once.
    await response.body.text();
    if (this.#config === used) this.#config = this.#load();
    await this.#authenticate(request);
    return this.#sendOnce(request);
  }

  async #sendOnce(request: RequestContext): Promise<Answer> {
    try {
      return await transport(request);
    } catch (error) {
      if (!this.#pool.fellBackToHttp1(error)) throw error;
      await this.#authenticate(request);
      return transport(request);
    }
  }

  async #authenticate(context: RequestContext): Promise<void> {
    context.setHeaderParam('User-Agent', this.#options.userAgent);
    // A credential plugin may hang, and does not know the call’s signal.
    await unlessAborted(this.#config.applySecurityAuthentication(context), context.getSignal());
  }

  #load(): KubeConfig {
    const config = this.#options.load();
    usePool(config, this.#pool);
    return config;
  }
}

/** Rejects as soon as the signal aborts; the promise goes on unobserved. */
async function unlessAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

// The library creates a dispatcher, and so a connection, for every call, in a method that it declares private.
function usePool(config: KubeConfig, pool: DispatcherPool): void {
  const original = (Reflect.get(config, 'createDispatcher') as DispatcherFactory).bind(config);
  const createDispatcher: DispatcherFactory = (cluster, tls) =>
    pool.get({
      server: cluster?.server ?? '',
      options: config.createDispatcherOptions(cluster, tls),
      proxied: () => original(cluster, tls),
    });
  Object.assign(config, { createDispatcher });
}
