// The team’s history, by the configuration.
import type { Config } from '../../config.ts';
import type { OutputReader } from '../../control/ports.ts';
import { SupabaseHistory, type Origin } from '../../stores/supabase/supabase-history.ts';
import { VERSION } from '../../version.ts';
import { projectForWriting, teamOf } from './writer.ts';

/** Where the entries come from; LSH_ORIGIN replaces its name. */
export type Home = Pick<Origin, 'id' | 'kind' | 'name' | 'namespace'>;

/** Returns undefined if no Supabase project is configured. Throws ENVIRONMENT_INVALID if a project lacks its key. */
export function teamHistory(config: Config, home: Home, outputOf: OutputReader): SupabaseHistory | undefined {
  const { supabaseUrl, originName, recordOutputBytes } = config;
  if (supabaseUrl === undefined) return undefined;
  return new SupabaseHistory({
    ...projectForWriting(config),
    origin: { ...home, team: teamOf(config), name: originName ?? home.name, version: VERSION },
    output: recordOutputBytes === 0 ? undefined : { read: outputOf, maxBytes: recordOutputBytes },
  });
}
