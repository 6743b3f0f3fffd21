// What a key of a Supabase project says about itself. Only the project can tell whether it is genuine.

export interface KeyFacts {
  /** The role that the key gives; undefined if the key does not say. */
  role: string | undefined;
  /** Milliseconds since the epoch; undefined if it does not end, or does not say. */
  expiresAt: number | undefined;
}

export function keyFacts(key: string): KeyFacts {
  if (key.startsWith('sb_secret_')) return { role: 'service_role', expiresAt: undefined };
  if (key.startsWith('sb_publishable_')) return { role: 'anon', expiresAt: undefined };
  const { role, exp } = claims(key);
  return {
    role: typeof role === 'string' ? role : undefined,
    expiresAt: typeof exp === 'number' ? exp * 1000 : undefined,
  };
}

/** The claims of a JWT; empty if the key is none. */
function claims(key: string): { role?: unknown; exp?: unknown } {
  try {
    const [, payload = ''] = key.split('.');
    return Object(JSON.parse(Buffer.from(payload, 'base64url').toString())) as object;
  } catch {
    return {};
  }
}
