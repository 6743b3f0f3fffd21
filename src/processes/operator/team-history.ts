// The team’s history, by the configuration.
import type { Config } from '../../config.ts';
import type { RunHistory } from '../../control/ports.ts';
import { LshError } from '../../core/errors.ts';
import { SupabaseHistory } from '../../stores/supabase/supabase-history.ts';

/** Returns undefined if no Supabase project is configured. Throws ENVIRONMENT_INVALID if a project lacks its key. */
export function teamHistory({ supabaseUrl, supabaseServiceRoleKey }: Config): RunHistory | undefined {
  if (supabaseUrl === undefined) return undefined;
  if (supabaseServiceRoleKey === undefined) throw keyMissing();
  return new SupabaseHistory({ url: supabaseUrl, serviceRoleKey: supabaseServiceRoleKey });
}

/** Checked here, not at the start of every process: other programs set SUPABASE_URL too. */
function keyMissing(): LshError {
  const problem = { path: 'SUPABASE_SERVICE_ROLE_KEY', message: 'is required when SUPABASE_URL is set' };
  return new LshError(
    'ENVIRONMENT_INVALID',
    { detail: `${problem.path} ${problem.message}.` },
    { problems: [problem] },
  );
}
