// The sign-in of a Supabase project: password or refresh token in, tokens out.
import type { Session as AuthSession, SupabaseClient } from '@supabase/supabase-js';
import { LshError } from '../../../core/errors.ts';
import { answerError, requestError, unexpectedAnswer, type Project } from '../errors.ts';
import type { Session } from './session-file.ts';

type Tokens = Omit<Session, 'url' | 'team'>;
type AuthClient = SupabaseClient['auth'];
type AuthAnswer = { data: { session: AuthSession | null }; error: unknown };

const TIMEOUT_MS = 10_000;

export class SignIn {
  readonly #project: Project;
  readonly #now: () => number;
  /** Why the last request failed. */
  #failure: LshError | undefined;

  /** The key of the project is the public one. `now`: milliseconds since the epoch. */
  constructor(project: Project, now: () => number) {
    this.#project = project;
    this.#now = now;
  }

  /** Throws SUPABASE_SIGN_IN_REFUSED or HISTORY_UNAVAILABLE. */
  withPassword(email: string, password: string): Promise<Tokens> {
    return this.#tokens((auth) => auth.signInWithPassword({ email, password }));
  }

  /** The refresh token is spent once this resolves. Throws SUPABASE_SIGN_IN_REFUSED or HISTORY_UNAVAILABLE. */
  withRefreshToken(refreshToken: string): Promise<Tokens> {
    return this.#tokens((auth) => auth.refreshSession({ refresh_token: refreshToken }));
  }

  /** Ends the session at the project, so that its refresh token works no more. */
  async end(accessToken: string): Promise<void> {
    const auth = await this.#auth();
    await auth.admin.signOut(accessToken, 'local');
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #tokens(ask: (auth: AuthClient) => Promise<AuthAnswer>): Promise<Tokens> {
    const askedAt = this.#now();
    const { data } = await ask(await this.#auth());
    if (this.#failure !== undefined) throw this.#failure;
    if (data.session === null) throw unexpectedAnswer(this.#project);
    const { access_token, refresh_token, expires_in, user } = data.session;
    return {
      userId: user.id,
      email: user.email,
      accessToken: access_token,
      // Not expires_at: that is on the clock of the project.
      expiresAt: askedAt + expires_in * 1000,
      refreshToken: refresh_token,
    };
  }

  /** A client that keeps nothing and refreshes nothing by itself: SessionFile does, for all processes. */
  async #auth(): Promise<AuthClient> {
    const { createClient } = await import('../supabase-js.ts');
    this.#failure = undefined;
    const { url, apiKey } = this.#project;
    try {
      return createClient(url, apiKey, {
        auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
        global: { fetch: (input, init) => this.#fetch(input, init) },
      }).auth;
    } catch (thrown) {
      throw requestError(thrown, this.#project, TIMEOUT_MS);
    }
  }

  /**
   * Notes a failure, and gives the client an answer in its place that it does not try again: for a failure of the network it
   * would ask for half a minute.
   */
  async #fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(input, { ...init, signal, redirect: 'manual' });
      if (!response.ok) throw await answerError(response, this.#project);
      const text = await response.text();
      if (text === '') return new Response(null, { status: response.status });
      if (!isJson(text)) throw unexpectedAnswer(this.#project);
      return new Response(text, { status: response.status });
    } catch (thrown) {
      this.#failure = asSignInError(requestError(thrown, this.#project, TIMEOUT_MS));
      return Response.json({ code: 'failed', message: this.#failure.message }, { status: 400 });
    }
  }
}

function asSignInError(error: LshError): LshError {
  if (error.code !== 'HISTORY_REFUSED') return error;
  return new LshError('SUPABASE_SIGN_IN_REFUSED', error.fields, { hint: error.hint });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
