// What is wrong with a project that answers, with the next step for each.
import { formatDuration } from '../../../core/duration.ts';
import { LshError } from '../../../core/errors.ts';
import type { ProjectStatus } from '../../../processes/supabase/project.ts';
import { SKEW_MAX_MS } from '../cron/remote/team-jobs.ts';

export function problemsOf({
  url,
  schema,
  newestSchema,
  isMember,
  facts,
  clockAheadMs = 0,
}: ProjectStatus): LshError[] {
  const versions = { found: schema, known: newestSchema };
  return [
    ...(schema < newestSchema ? [new LshError('SUPABASE_SCHEMA_OLD', versions)] : []),
    ...(schema > newestSchema ? [new LshError('SUPABASE_SCHEMA_TOO_NEW', versions)] : []),
    ...(facts?.writes === false && !isMember
      ? [new LshError('SUPABASE_KEY_READS_ONLY', { role: facts.role })]
      : []),
    ...(Math.abs(clockAheadMs) > SKEW_MAX_MS
      ? [
          new LshError('CLOCK_SKEWED', {
            url,
            by: formatDuration(Math.abs(clockAheadMs)),
            direction: clockAheadMs > 0 ? 'behind' : 'ahead of',
          }),
        ]
      : []),
  ];
}
