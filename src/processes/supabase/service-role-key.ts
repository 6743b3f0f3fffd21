// The key with which lsh writes to the configured Supabase project.
import type { Config } from '../../config.ts';
import { LshError } from '../../core/errors.ts';

/**
 * Throws ENVIRONMENT_INVALID if it is missing. Checked where the key is needed, not at the start of every process: other
 * programs set SUPABASE_URL too.
 */
export function requireKey({ supabaseServiceRoleKey, supabaseAnonKey }: Config): string {
  if (supabaseServiceRoleKey !== undefined) return supabaseServiceRoleKey;
  const reason = supabaseAnonKey === undefined ? '' : ': SUPABASE_ANON_KEY is public and may not write';
  const problem = {
    path: 'SUPABASE_SERVICE_ROLE_KEY',
    message: `is required when SUPABASE_URL is set${reason}`,
  };
  throw new LshError(
    'ENVIRONMENT_INVALID',
    { detail: `${problem.path} ${problem.message}.` },
    { problems: [problem] },
  );
}
