// Who lsh is in the configured Supabase project.
import type { Config } from '../../config.ts';
import { LshError } from '../../core/errors.ts';
import type { Project } from '../../stores/supabase/errors.ts';

/**
 * The project with a key that writes. Throws SUPABASE_NOT_CONFIGURED, and ENVIRONMENT_INVALID if the key is missing. Checked
 * where the key is needed, not at the start of every process: other programs set SUPABASE_URL too.
 */
export function projectForWriting({ supabaseUrl, supabaseServiceRoleKey, supabaseAnonKey }: Config): Project {
  if (supabaseUrl === undefined)
    throw new LshError('SUPABASE_NOT_CONFIGURED', { detail: 'SUPABASE_URL is not set' });
  if (supabaseServiceRoleKey !== undefined) return { url: supabaseUrl, apiKey: supabaseServiceRoleKey };
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

/** The project as the user may read it. Throws as projectForWriting(). */
export function projectForReading(config: Config): Project {
  return projectForWriting(config);
}
