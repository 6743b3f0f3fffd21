// The team’s history, by the configuration.
import type { Config } from '../../config.ts';
import type { RunHistory } from '../../control/ports.ts';
import { SupabaseHistory } from '../../stores/supabase/supabase-history.ts';
import { requireKey } from './service-role-key.ts';

/** Returns undefined if no Supabase project is configured. Throws ENVIRONMENT_INVALID if a project lacks its key. */
export function teamHistory(config: Config): RunHistory | undefined {
  const { supabaseUrl } = config;
  if (supabaseUrl === undefined) return undefined;
  return new SupabaseHistory({ url: supabaseUrl, serviceRoleKey: requireKey(config) });
}
