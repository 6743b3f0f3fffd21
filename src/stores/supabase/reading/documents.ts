// Rows as the documents that readers get.
import type {
  OriginDocument,
  OriginName,
  RecordedJob,
  TeamRunDocument,
  TeamStats,
} from '../../../contracts/team-record.ts';
import { runDocument } from '../../../core/document.ts';
import { rfc3339 } from '../../../core/rfc3339.ts';
import type { JobSpec } from '../../../core/spec/job-spec.ts';
import type { OriginRow, ReportRow } from '../project-client.ts';
import { runOfRow, type JobRow, type Place, type RunRow } from '../rows.ts';

/** Origins by id. */
export type Origins = ReadonlyMap<string, OriginDocument>;

/** A row as it is recorded: rows from before there were origins have none. */
export type RecordedRunRow = RunRow & Omit<Place, 'origin'> & { origin: string | null };

export function originDocument(row: OriginRow): OriginDocument {
  const { id, name, kind, namespace, version, clock_at: clockAt } = row;
  const lastSeenAt = Date.parse(row.last_seen_at);
  return {
    id,
    name,
    kind,
    ...(namespace !== null && { namespace }),
    version,
    lastSeenAt: rfc3339(lastSeenAt),
    ...(clockAt !== null && { clockAheadMs: Date.parse(clockAt) - lastSeenAt }),
  };
}

export function teamRunDocument(row: RecordedRunRow, origins: Origins): TeamRunDocument {
  const origin = originName(row.origin, origins);
  return {
    ...runDocument(runOfRow(row)),
    namespace: row.namespace,
    jobUid: row.job_uid,
    ...(origin && { origin }),
  };
}

export type RecordedJobRow = JobRow & { lsh_last_run: RecordedRunRow | null };

/** Undefined if the origin is not known: it came after the origins were read. */
export function recordedJob(row: RecordedJobRow, origins: Origins): RecordedJob | undefined {
  const origin = origins.get(row.origin);
  const { labels, annotations, changed_by: changedBy, lsh_last_run: lastRun } = row;
  return (
    origin && {
      name: row.name,
      namespace: row.namespace,
      uid: row.uid,
      spec: row.spec as JobSpec,
      specHash: row.spec_hash,
      ...(labels !== null && { labels: labels as Record<string, string> }),
      ...(annotations !== null && { annotations: annotations as Record<string, string> }),
      changedAt: rfc3339(Date.parse(row.changed_at)),
      ...(changedBy !== null && { changedBy }),
      origin,
      ...(lastRun !== null && { lastRun: teamRunDocument(lastRun, origins) }),
    }
  );
}

export function teamStats(row: ReportRow, origins: Origins): TeamStats {
  const origin = originName(row.origin, origins);
  return {
    job: row.job,
    namespace: row.namespace,
    ...(origin && { origin }),
    completed: row.completed,
    failed: row.failed,
    killed: row.killed,
    ...(row.average_ms !== null && { averageMs: row.average_ms }),
    ...(row.p95_ms !== null && { p95Ms: row.p95_ms }),
    recentDurationsMs: (row.newest_durations_ms ?? []).toReversed(),
    firstRunAt: rfc3339(Date.parse(row.first_run_at)),
    lastRunAt: rfc3339(Date.parse(row.last_run_at)),
  };
}

function originName(id: string | null, origins: Origins): OriginName | undefined {
  const origin = id === null ? undefined : origins.get(id);
  return origin && { id: origin.id, name: origin.name, kind: origin.kind };
}
