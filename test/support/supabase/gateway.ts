// What stands before the API of a Supabase project: it lets in who has one of the project’s keys. Here it can also be
// away, silent, or in trouble.
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';

const PREFIX = '/rest/v1';
const SIGN_IN_PREFIX = '/auth/v1';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export interface SeenRequest {
  path: string;
  body: string;
}

/** What answers requests of the sign-in. */
export interface SignInServer {
  answer(request: SeenRequest & { method: string; token: string }): Promise<Answer> | Answer;
}

/** How long an idle connection stays open. */
const KEEP_ALIVE_MS = 60_000;

export class Gateway {
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  readonly #socketPath: string;
  readonly #keys: string[];
  #port = 0;
  /** Those that came with a key. */
  readonly requests: SeenRequest[] = [];
  /** Given in place of the project’s own answers; `silence` never comes. */
  answer: Answer | 'silence' | undefined;
  /** Undefined for a project without a sign-in. */
  signIn: SignInServer | undefined;

  private constructor(socketPath: string, keys: readonly string[]) {
    this.#socketPath = socketPath;
    this.#keys = [...keys];
  }

  static async start(socketPath: string, keys: readonly string[]): Promise<Gateway> {
    const gateway = new Gateway(socketPath, keys);
    // As a project's own gateway: with Node's 5 s, a client that a busy machine holds up writes into a closed connection.
    gateway.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    await gateway.back();
    return gateway;
  }

  /** The same for as long as the gateway is there or comes back. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Takes one more key for a key of the project. */
  accept(key: string): void {
    this.#keys.push(key);
  }

  /** Ends every connection and refuses new ones, until back(). */
  async away(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async back(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the gateway has no port');
    this.#port = address.port;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => undefined);
    if (chunks === undefined) return; // the client has gone
    const body = Buffer.concat(chunks).toString();
    const key = request.headers['apikey'];
    if (typeof key !== 'string' || !this.#keys.includes(key)) {
      const message = key === undefined ? 'No API key found in request' : 'Invalid API key';
      return send(response, { status: 401, body: JSON.stringify({ message }) });
    }
    this.requests.push({ path: request.url ?? '', body });
    if (this.answer === 'silence') return;
    if (this.answer !== undefined) return send(response, this.answer);
    const { method = '', url = '', headers } = request;
    if (!url.startsWith(`${SIGN_IN_PREFIX}/`) || this.signIn === undefined)
      return this.#pass(request, response, body);
    const token = headers.authorization?.replace('Bearer ', '') ?? '';
    const path = url.slice(SIGN_IN_PREFIX.length);
    send(response, await this.signIn.answer({ method, path, body, token }));
  }

  #pass(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { method, headers, url = '' } = request;
    if (!url.startsWith(`${PREFIX}/`)) return send(response, { status: 404 });
    forward({ socketPath: this.#socketPath, method, headers, path: url.slice(PREFIX.length) })
      .on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      })
      .on('error', () => send(response, { status: 502, body: '<h1>Bad gateway</h1>' }))
      .end(body);
  }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers).end(body);
}
