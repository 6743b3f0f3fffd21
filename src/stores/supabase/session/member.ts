// A member who has signed in: gives tokens that are valid, and knows the member’s teams.
import { LshError } from '../../../core/errors.ts';
import type { Project } from '../errors.ts';
import { keyFacts } from '../key.ts';
import { ProjectClient } from '../project-client.ts';
import type { Session, SessionFile } from './session-file.ts';
import { SignIn } from './sign-in.ts';

/** A token that ends sooner is replaced: a request may take a while, milliseconds. */
const LEFT_MIN_MS = 60_000;

export interface MemberOptions {
  url: string;
  /** The public key. */
  anonKey: string;
  file: SessionFile;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

export class Member {
  readonly #file: SessionFile;
  readonly #now: () => number;
  readonly #signIn: SignIn;
  /** The project as the member sees it. */
  readonly project: Project;

  constructor({ url, anonKey, file, now = Date.now }: MemberOptions) {
    const key: Project = { url, apiKey: anonKey, keyVariable: 'SUPABASE_ANON_KEY' };
    this.#file = file;
    this.#now = now;
    this.#signIn = new SignIn(key, now);
    this.project = { ...key, accessToken: () => this.#accessToken() };
  }

  /** The session as the file has it, valid or not. Throws SUPABASE_SIGNED_OUT. */
  session(): Session {
    const session = this.#file.read();
    if (session === undefined) throw new LshError('SUPABASE_SIGNED_OUT', { url: this.project.url });
    return session;
  }

  /** Replaces the session. Throws SUPABASE_SIGN_IN_REFUSED or HISTORY_UNAVAILABLE. */
  async signIn(email: string, password: string): Promise<Session> {
    return this.#keep(await this.#signIn.withPassword(email, password));
  }

  /** As signIn(), with a refresh token, or an access token: that one lasts to its end. */
  async signInWithToken(token: string): Promise<Session> {
    const { subject, email, expiresAt } = keyFacts(token);
    if (subject === undefined) return this.#keep(await this.#signIn.withRefreshToken(token));
    const tokens = {
      userId: subject,
      email,
      accessToken: token,
      expiresAt: expiresAt ?? Number.MAX_SAFE_INTEGER,
    };
    // Before it takes the place of another session: only an answer shows that the project knows it.
    await this.#teamsOf(tokens);
    return this.#keep(tokens);
  }

  /** Teams of the member, by name. Throws as any request. */
  teams(): Promise<string[]> {
    return this.#teamsOf(this.session(), this.project);
  }

  async #teamsOf(
    { userId, accessToken }: Pick<Session, 'userId' | 'accessToken'>,
    project: Project = { ...this.project, accessToken: async () => accessToken },
  ): Promise<string[]> {
    const client = new ProjectClient(project);
    const rows = await client.call((api, signal) =>
      api
        .from('lsh_members')
        .select('team')
        .eq('user_id', userId)
        .order('team')
        .abortSignal(signal)
        .throwOnError(),
    );
    return (rows ?? []).map(({ team }) => team);
  }

  /** The team whose rows the member reads where LSH_TEAM names none. */
  chooseTeam(team: string | undefined): Promise<void> {
    return this.#file.locked(async () => this.#file.write({ ...this.session(), team }));
  }

  /** Forgets the session, then ends it at the project. Rejects if the project was not told; the file is gone by then. */
  signOut(): Promise<void> {
    return this.#file.locked(async () => {
      const { accessToken } = this.session();
      this.#file.remove();
      await this.#signIn.end(accessToken);
    });
  }

  #keep(tokens: Omit<Session, 'url'>): Promise<Session> {
    const session: Session = { url: this.project.url, ...tokens };
    return this.#file.locked(async () => {
      this.#file.write(session);
      return session;
    });
  }

  async #accessToken(): Promise<string> {
    const session = this.session();
    return this.#isFresh(session) ? session.accessToken : this.#refreshed();
  }

  #refreshed(): Promise<string> {
    return this.#file.locked(async () => {
      // Another process may have refreshed it meanwhile.
      const session = this.session();
      if (this.#isFresh(session)) return session.accessToken;
      const isValid = session.expiresAt > this.#now();
      if (session.refreshToken === undefined && isValid) return session.accessToken;
      try {
        const next = { ...session, ...(await this.#next(session)) };
        this.#file.write(next);
        return next.accessToken;
      } catch (error) {
        if (isValid && error instanceof LshError && error.retryable) return session.accessToken;
        throw error;
      }
    });
  }

  async #next({ url, refreshToken }: Session): Promise<Omit<Session, 'url' | 'team'>> {
    const ended = (detail: string) => new LshError('SUPABASE_SESSION_ENDED', { url, detail });
    if (refreshToken === undefined) throw ended('the token that was pasted has expired');
    try {
      return await this.#signIn.withRefreshToken(refreshToken);
    } catch (error) {
      const isRefused = error instanceof LshError && error.code === 'SUPABASE_SIGN_IN_REFUSED';
      throw isRefused ? ended(String(error.fields['detail'])) : error;
    }
  }

  #isFresh({ expiresAt }: Session): boolean {
    return expiresAt - this.#now() > LEFT_MIN_MS;
  }
}
