// `lsh cron report --remote`: the figures of each job at each origin.
import type { TeamStats } from '../../../../contracts/team-record.ts';
import { teamRecord } from '../../../../processes/supabase/team-record.ts';
import { jobsNamed } from './team-jobs.ts';

/** Throws JOB_NOT_FOUND for a name that has neither runs nor a definition. */
export async function teamStatsOf(
  name: string | undefined,
  { origin, since }: { origin?: string; since?: string },
): Promise<TeamStats[]> {
  const record = teamRecord();
  const place = origin === undefined ? {} : { origin };
  const stats = await record.stats({
    ...place,
    ...(name !== undefined && { job: name }),
    ...(since !== undefined && { since }),
  });
  if (stats.length === 0 && name !== undefined) await jobsNamed(record, name, place);
  return stats;
}
