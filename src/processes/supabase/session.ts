// The sign-in of a member in the configured Supabase project, for the command line.
import { loadConfig } from '../../config.ts';
import { LshError } from '../../core/errors.ts';
import { configuredMember, projectForReading, readsAsMember } from './credentials.ts';

export type Credential = { email: string; password: string } | { token: string };

export interface SignedIn {
  url: string;
  /** For people: the e-mail, or the id where the session does not know it. */
  name: string;
  userId: string;
  /** Teams of the member, by name. */
  teams: readonly string[];
  /** The team that LSH_TEAM names. */
  team: string | undefined;
  /** Keeps the choice of one of the teams. Throws SUPABASE_TEAM_UNKNOWN. */
  choose(team: string): Promise<void>;
}

/** Throws SUPABASE_NOT_CONFIGURED unless a member can sign in. */
export function requireSignIn(): void {
  configuredMember(loadConfig());
}

/** Replaces the session. Throws SUPABASE_SIGN_IN_REFUSED or HISTORY_…. */
export async function logIn(credential: Credential): Promise<SignedIn> {
  const config = loadConfig();
  const member = configuredMember(config);
  const { url, userId, email } =
    'token' in credential
      ? await member.signInWithToken(credential.token)
      : await member.signIn(credential.email, credential.password);
  const teams = await member.teams();
  const choose = (team: string) => {
    if (!teams.includes(team)) throw unknownTeam(team, teams);
    return member.chooseTeam(team);
  };
  return { url, name: email ?? userId, userId, teams, team: config.team, choose };
}

/** Forgets the session, then ends it at the project. Rejects if the project was not told. Throws SUPABASE_SIGNED_OUT. */
export async function logOut(): Promise<{ url: string; ended: Promise<void> }> {
  const member = configuredMember(loadConfig());
  const { url } = member.session();
  return { url, ended: member.signOut() };
}

export interface Identity {
  url: string;
  role: 'service_role' | 'authenticated';
  userId?: string;
  email?: string | undefined;
  /** The team whose rows are read. */
  team: string;
  teams?: readonly string[];
  /** End of the token, milliseconds since the epoch. */
  expiresAt?: number;
  /** Whether a new token follows. */
  renews?: boolean;
}

/** Who lsh is when it reads; of a member it asks the project. Throws SUPABASE_SIGNED_OUT, SUPABASE_SESSION_ENDED or HISTORY_…. */
export async function whoAmI(): Promise<Identity> {
  const config = loadConfig();
  const { url, team } = projectForReading(config);
  if (!readsAsMember(config)) return { url, role: 'service_role', team };
  const member = configuredMember(config);
  const teams = await member.teams();
  if (!teams.includes(team)) throw unknownTeam(team, teams);
  const { userId, email, expiresAt, refreshToken } = member.session();
  const renews = refreshToken !== undefined;
  return { url, role: 'authenticated', userId, email, team, teams, expiresAt, renews };
}

function unknownTeam(team: string, teams: readonly string[]): LshError {
  const detail = teams.length === 0 ? 'you are in no team yet' : `your teams are ${teams.join(', ')}`;
  return new LshError('SUPABASE_TEAM_UNKNOWN', { team, detail });
}
