// `lsh cron history --remote`: the runs of every machine and cluster.
import type { TeamRecord, TeamRunDocument } from '../../../../contracts/team-record.ts';
import type { Context } from '../../../context.ts';
import { usage } from '../../../failure.ts';
import { sinceOf } from '../../../input/since.ts';
import { note, paintFor } from '../../../output/print.ts';
import { printRuns, TEAM_RUN_COLUMNS } from '../../../output/run-table.ts';
import { teamRecord } from '../../../../processes/supabase/team-record.ts';
import type { HistoryFlags } from '../history.ts';
import { followed } from './follow.ts';
import { jobsNamed } from './team-jobs.ts';

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
  const { output, origin, failed, limit, follow } = flags;
  const record = teamRecord();
  const query = {
    ...(name !== undefined && { job: name }),
    ...(origin !== undefined && { origin }),
    ...(failed && { failed }),
    ...(await sinceOf(flags.since, io)),
    limit,
  };
  const shown = { output, columns: TEAM_RUN_COLUMNS, empty: 'The team’s record has no such run.' };
  if (!follow) return printRuns(io, known(record.runs(query), record, name), shown);
  if (limit === Infinity) throw usage('--follow begins with the newest runs: give -n a number.');
  const mark = paintFor(io.stderr)('warn', 'note:');
  const notice = (sentence: string) => note(io, `${mark} ${sentence}`);
  return printRuns(io, followed(record, { query, notice, now: io.now }), { ...shown, isEndless: true });
}

/** The pages. Throws JOB_NOT_FOUND if there are none, and no origin has the job: a removed job keeps its runs. */
async function* known(
  pages: AsyncIterable<TeamRunDocument[]>,
  record: TeamRecord,
  name: string | undefined,
): AsyncIterable<TeamRunDocument[]> {
  let isEmpty = true;
  for await (const page of pages) {
    isEmpty = false;
    yield page;
  }
  if (isEmpty && name !== undefined) await jobsNamed(record, name, {});
}
