// What a key of a Supabase project, or the token of a member, says about itself. Only the project can tell whether it is genuine.

export interface KeyFacts {
  /** The role that the key gives; undefined if the key does not say. */
  role: string | undefined;
  /** Milliseconds since the epoch; undefined if it does not end, or does not say. */
  expiresAt: number | undefined;
  /** Id of the member; undefined for a key. */
  subject: string | undefined;
  email: string | undefined;
}

const NOTHING: KeyFacts = { role: undefined, expiresAt: undefined, subject: undefined, email: undefined };

export function keyFacts(key: string): KeyFacts {
  if (key.startsWith('sb_secret_')) return { ...NOTHING, role: 'service_role' };
  if (key.startsWith('sb_publishable_')) return { ...NOTHING, role: 'anon' };
  const { role, exp, sub, email } = claims(key);
  return {
    role: textOf(role),
    expiresAt: typeof exp === 'number' ? exp * 1000 : undefined,
    subject: textOf(sub),
    email: textOf(email),
  };
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' ? claim : undefined;
}

/** The claims of a JWT; empty if the key is none. */
function claims(key: string): Partial<Record<'role' | 'exp' | 'sub' | 'email', unknown>> {
  try {
    const [, payload = ''] = key.split('.');
    return Object(JSON.parse(Buffer.from(payload, 'base64url').toString())) as object;
  } catch {
    return {};
  }
}
