// Where finished runs are kept for the team, by the configuration.
import type { Config } from '../config.ts';
import type { RunHistory } from '../control/ports.ts';
import { SupabaseHistory } from '../stores/supabase-history.ts';

/** Undefined where no Supabase project is configured. */
export function teamHistory({ supabaseUrl, supabaseServiceRoleKey }: Config): RunHistory | undefined {
  if (supabaseUrl === undefined || supabaseServiceRoleKey === undefined) return undefined;
  return new SupabaseHistory({ url: supabaseUrl, serviceRoleKey: supabaseServiceRoleKey });
}
