// `lsh cron history --remote`: the runs of every machine and cluster.
import type { Context } from '../../../context.ts';
import { usage } from '../../../failure.ts';
import { sinceOf } from '../../../input/since.ts';
import { printRuns, TEAM_RUN_COLUMNS } from '../../../output/run-table.ts';
import { teamRecord } from '../../../../processes/supabase/team-record.ts';
import type { HistoryFlags } from '../history.ts';

export async function teamHistory(
  { io }: Context,
  name: string | undefined,
  flags: HistoryFlags,
): Promise<void> {
  if (flags.slots || flags.missed)
    throw usage(
      'The team’s record has runs, and no slots without a run.',
      'Ask where the job lives: `lsh cron history --missed`.',
    );
  const { output, origin, failed, limit } = flags;
  const pages = teamRecord().runs({
    ...(name !== undefined && { job: name }),
    ...(origin !== undefined && { origin }),
    ...(failed && { failed }),
    ...(await sinceOf(flags.since, io)),
    limit,
  });
  return printRuns(io, pages, {
    output,
    columns: TEAM_RUN_COLUMNS,
    empty: 'The team’s record has no such run.',
  });
}
