// The team's record, by the configuration.
import { loadConfig } from '../../config.ts';
import type { TeamRecord } from '../../contracts/team-record.ts';
import { SupabaseRecord } from '../../stores/supabase/reading/supabase-record.ts';
import { projectForReading } from './credentials.ts';

/** Reads with the key of the service role, or as the member who has signed in. Throws as projectForReading(). */
export function teamRecord(): TeamRecord {
  return new SupabaseRecord(projectForReading(loadConfig()));
}
