// Where finished runs are kept for the team, by the configuration.
import type { Config } from '../../config.ts';
import type { RunHistory } from '../../control/ports.ts';
import { LshError } from '../../core/errors.ts';
import { SupabaseHistory } from '../../stores/supabase/supabase-history.ts';

/** Undefined where no Supabase project is configured; ENVIRONMENT_INVALID where one is, and not its key. */
export function teamHistory({ supabaseUrl, supabaseServiceRoleKey }: Config): RunHistory | undefined {
  if (supabaseUrl === undefined) return undefined;
  if (supabaseServiceRoleKey === undefined) throw keyMissing();
  return new SupabaseHistory({ url: supabaseUrl, serviceRoleKey: supabaseServiceRoleKey });
}

/** Here and not for every process: the address is a variable that programs beside lsh have as well. */
function keyMissing(): LshError {
  const problem = { path: 'SUPABASE_SERVICE_ROLE_KEY', message: 'is required when SUPABASE_URL is set' };
  return new LshError(
    'ENVIRONMENT_INVALID',
    { detail: `${problem.path} ${problem.message}.` },
    { problems: [problem] },
  );
}
