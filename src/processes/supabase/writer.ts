// Who writes the team’s history: the service role alone.
import type { Config } from '../../config.ts';
import { LshError } from '../../core/errors.ts';
import type { Project } from '../../stores/supabase/errors.ts';

/** Of rows whose writer names none. */
const DEFAULT_TEAM = 'default';

/** The team of the rows that lsh writes. */
export function teamOf({ team }: Pick<Config, 'team'>): string {
  return team ?? DEFAULT_TEAM;
}

/**
 * The project with a key that writes. Throws SUPABASE_NOT_CONFIGURED, and ENVIRONMENT_INVALID if the key is missing. Checked
 * where the key is needed, not at the start of every process: other programs set SUPABASE_URL too.
 */
export function projectForWriting({ supabaseUrl, supabaseServiceRoleKey, supabaseAnonKey }: Config): Project {
  if (supabaseUrl === undefined)
    throw new LshError('SUPABASE_NOT_CONFIGURED', { detail: 'SUPABASE_URL is not set' });
  if (supabaseServiceRoleKey !== undefined) return { url: supabaseUrl, apiKey: supabaseServiceRoleKey };
  const reason =
    supabaseAnonKey === undefined
      ? ''
      : ': neither SUPABASE_ANON_KEY nor a member who has signed in may write';
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
