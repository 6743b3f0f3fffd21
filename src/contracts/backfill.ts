// The backfill of a job as front ends ask for it, and what they hear.
import type { BackfillDocument, PlanDocument } from '../core/backfill/backfill-document.ts';

export interface BackfillOrder {
  name: string;
  /** The same id is the same request. */
  id: string;
  /** RFC 3339, included. */
  from: string;
  /** RFC 3339, included. */
  to: string;
  /** Most runs at a time. */
  parallel: number;
  failedOnly?: boolean;
  requestedBy?: string;
  /** Answers which slots would run, and runs none. */
  dryRun?: boolean;
}

export interface BackfillAnswer extends PlanDocument {
  /** Undefined for a dry run, and if there is no slot to run. */
  backfill?: BackfillDocument;
}
