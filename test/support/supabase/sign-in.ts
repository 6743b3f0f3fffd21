// The sign-in of a project, after the published contract of Supabase’s Auth: passwords, refresh tokens that work once, and
// sessions. A stand-in, because no package brings the server; the access tokens that it makes are real ones of the project.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Answer, SeenRequest, SignInServer } from './gateway.ts';

interface User {
  id: string;
  email: string;
  password: string;
}

/** Refresh tokens of a session, newest last. */
interface AuthSession {
  id: string;
  user: User;
  tokens: string[];
}

export interface SignInOptions {
  /** Makes an access token of the project. */
  tokenOf: (claims: object) => string;
  /** How long an access token lasts, in seconds. */
  lifetimeSeconds?: number;
}

export class SignIn implements SignInServer {
  readonly #tokenOf: SignInOptions['tokenOf'];
  readonly #users: User[] = [];
  readonly #sessions = new Map<string, AuthSession>();
  /** How long the next access tokens last, in seconds. */
  lifetimeSeconds: number;
  /** Paths of all requests. */
  readonly requests: string[] = [];
  /** Sessions that ended because a refresh token came twice. */
  reused = 0;
  /** Given in place of an answer. */
  failure: Answer | undefined;
  /** Awaited before each answer. */
  pause: Promise<void> | undefined;

  constructor({ tokenOf, lifetimeSeconds = 3600 }: SignInOptions) {
    this.#tokenOf = tokenOf;
    this.lifetimeSeconds = lifetimeSeconds;
  }

  /** Adds a user; returns its id. */
  add(email: string, password: string): string {
    const id = randomUUID();
    this.#users.push({ id, email, password });
    return id;
  }

  /** How many sessions go on. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Ends every session, as the dashboard does. */
  endAll(): void {
    this.#sessions.clear();
  }

  async answer({
    method,
    path,
    body,
    token,
  }: SeenRequest & { method: string; token: string }): Promise<Answer> {
    this.requests.push(path);
    await this.pause;
    if (this.failure !== undefined) return this.failure;
    if (method === 'POST' && path === '/token?grant_type=password') return this.#password(body);
    if (method === 'POST' && path === '/token?grant_type=refresh_token') return this.#refresh(body);
    if (method === 'POST' && path.startsWith('/logout')) return this.#logout(token);
    return refused(404, 'not_found', 'no such endpoint');
  }

  #password(body: string): Answer {
    const { email, password } = JSON.parse(body) as Record<string, unknown>;
    const user = this.#users.find((one) => one.email === email && one.password === password);
    if (user === undefined) return refused(400, 'invalid_credentials', 'Invalid login credentials');
    const session = { id: randomUUID(), user, tokens: [] };
    this.#sessions.set(session.id, session);
    return this.#tokens(session);
  }

  /** The last token gives the next one. The one before it gives the last one again: its answer may have been lost. */
  #refresh(body: string): Answer {
    const { refresh_token: token } = JSON.parse(body) as { refresh_token: string };
    const session = [...this.#sessions.values()].find(({ tokens }) => tokens.includes(token));
    if (session === undefined)
      return refused(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
    const age = session.tokens.length - 1 - session.tokens.indexOf(token);
    if (age === 0) return this.#tokens(session);
    this.reused += 1;
    if (age === 1) return this.#tokens(session, session.tokens.at(-1));
    this.#sessions.delete(session.id);
    return refused(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used');
  }

  #tokens(session: AuthSession, again?: string): Answer {
    const refresh_token = again ?? randomBytes(9).toString('base64url');
    if (again === undefined) session.tokens.push(refresh_token);
    const { id: sub, email } = session.user;
    const iat = Math.floor(Date.now() / 1000);
    const exp = iat + this.lifetimeSeconds;
    const claims = { sub, email, iat, exp, aud: 'authenticated', session_id: session.id };
    return json(200, {
      access_token: this.#tokenOf(claims),
      token_type: 'bearer',
      expires_in: this.lifetimeSeconds,
      expires_at: exp,
      refresh_token,
      user: { id: sub, aud: 'authenticated', role: 'authenticated', email },
    });
  }

  #logout(token: string): Answer {
    const [, payload = ''] = token.split('.');
    const { session_id = '' } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
      session_id?: string;
    };
    if (!this.#sessions.delete(session_id))
      return refused(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
    return { status: 204 };
  }
}

function refused(status: number, code: string, message: string): Answer {
  return json(status, { code, message });
}

function json(status: number, value: object): Answer {
  const headers = { 'content-type': 'application/json', 'x-supabase-api-version': '2024-01-01' };
  return { status, headers, body: JSON.stringify(value) };
}
