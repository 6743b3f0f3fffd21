// Rows as the documents that readers get.
import type { OriginDocument, OriginName, TeamRunDocument } from '../../../contracts/team-record.ts';
import { runDocument } from '../../../core/document.ts';
import { rfc3339 } from '../../../core/rfc3339.ts';
import type { OriginRow } from '../project-client.ts';
import { runOfRow, type Place, type RunRow } from '../rows.ts';

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

function originName(id: string | null, origins: Origins): OriginName | undefined {
  const origin = id === null ? undefined : origins.get(id);
  return origin && { id: origin.id, name: origin.name, kind: origin.kind };
}
