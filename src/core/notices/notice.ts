// What people hear of a job: the kinds of notices, a rule that asks for them, and a notice as the ledger keeps it until its
// channels have it. Knows no channel but its name.

export const NOTICE_KINDS = [
  'Failed', // a slot failed, with its last attempt
  'Recovered', // the first run that completed after failures
  'Missed', // slots passed without a run
  'Overdue', // the job has not succeeded for too long
  'Slow', // a run takes longer than usual
  'Stuck', // a run cannot begin its command
  'Started', // every run, at the start of its first attempt
  'Succeeded', // every run that completed
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** The name of a channel. */
export const CHANNEL_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** What a rule asks for that names no kinds. */
export const USUAL_KINDS: readonly NoticeKind[] = ['Failed', 'Recovered'];

/** Who hears of what. */
export interface NoticeRule {
  channels: readonly string[];
  on: readonly NoticeKind[];
  /** Failures in a row until Failed; from 1. */
  after: number;
  /** How long after a notice a further failure brings another, milliseconds; undefined: one notice for a streak. */
  repeatMs?: number | undefined;
}

/** What happened to a job, as the rules see it. */
export type Happening =
  /** A run ended, and no attempt follows. */
  | { kind: 'Ended'; run: EndedRun }
  | { kind: 'Stuck' | 'Slow'; run: EndedRun; message: string }
  /** The first attempt of a run started. */
  | { kind: 'Started'; run: EndedRun }
  /** `slot`: the first of them. */
  | { kind: 'Missed'; slot: number; pass?: number | undefined; count: number; cause: string }
  /** `since`: when the job was due to have succeeded. */
  | { kind: 'Overdue'; since: number; message: string };

/** The part of a run that a notice tells. Instants are milliseconds since the epoch. */
export interface EndedRun {
  name: string;
  slot: number;
  attempt: number;
  phase: string;
  reason?: string | undefined;
  message?: string | undefined;
  exitCode?: number | undefined;
  startedAt?: number | undefined;
  finishedAt?: number | undefined;
}

/** Notices of a kind that many jobs had at once. */
export interface NoticeGroup {
  id: string;
  /** It takes no further notice from then on, milliseconds. */
  until: number;
}

/** A notice that is due, as its ledger stores it: JSON, without output. Instants are milliseconds since the epoch. */
export interface Notice {
  /** The same for the same fact about the same job, so that a receiver can drop what comes again. Without a full stop. */
  id: string;
  kind: NoticeKind;
  /** Names of channels, each once. */
  channels: string[];
  at: number;
  /** Told in one message with the others of its group. */
  group?: NoticeGroup;
  run?: string;
  slot?: number;
  attempt?: number;
  phase?: string;
  reason?: string;
  message?: string;
  exitCode?: number;
  startedAt?: number;
  finishedAt?: number;
  /** Slots that were missed. */
  count?: number;
  /** Slots in a row that failed: up to this one, or before the recovery. */
  failures?: number;
}

/** What a job remembers of its notices; undefined as long as there is nothing to remember. */
export interface NoticeMemory {
  /** Slots in a row that failed, each after its last attempt. */
  failures: number;
  /** When each channel last heard of these failures, milliseconds. The names are in their order, as a server sorts them. */
  told: Readonly<Record<string, number>>;
  /** The run that was last told to be stuck. */
  stuck?: string;
}

/** What a home adds to the rules of its jobs. */
export interface NoticeHome {
  /** For jobs without rules of their own. */
  rules: readonly NoticeRule[];
  /** The group of a kind that had many notices within a minute. */
  groups?: Partial<Record<NoticeKind, NoticeGroup>>;
  /** Ids of recorded notices that no channel waits for any more. */
  delivered?: readonly string[];
}
