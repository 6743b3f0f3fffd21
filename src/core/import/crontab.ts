// Converts a crontab into jobs. A line or setting that a job cannot express becomes a note.
import { assignNames, type ImportedJob, type KnownJob } from './crontab/assign-names.ts';
import { crontabFormat, type CrontabFormat } from './crontab/format.ts';
import { readJobLines } from './crontab/job-lines.ts';
import { crontabLines } from './crontab/lines.ts';
import type { Platform } from '../executor.ts';

/** A remark about one line, or about the whole crontab. */
export interface CrontabNote {
  /** From 1. */
  line?: number;
  text: string;
}

export interface CrontabImport {
  jobs: ImportedJob[];
  notes: CrontabNote[];
  /** Number of refused lines. */
  leftOut: number;
  /** Names of jobs of an earlier import whose line is gone. */
  orphans: string[];
}

export interface CrontabOptions {
  /** Identifies the crontab across imports, such as `crontab:ada` or the path of the file. */
  source?: string;
  /** Several crontabs come under this source, as through stdin: a line is the same line only by its command. */
  sharedSource?: boolean;
  /** The jobs of the platform: names in use, and jobs of earlier imports. */
  known?: readonly KnownJob[];
  /** Begins the names of new jobs. */
  prefix?: string;
  /** Absolute path of the file. */
  path?: string | undefined;
  /** Whether the word behind the schedule names a user; undefined to recognise it. */
  system?: boolean | undefined;
  /** The user of the daemon. */
  user?: string | undefined;
  /** Names of the accounts of this machine. */
  accounts?: ReadonlySet<string>;
  platform?: Platform;
}

const CRON_REMARK =
  'cron starts a job beside its own active run and forgets the slots that it missed. These jobs do neither: concurrencyPolicy Forbid skips a slot while a run is active, missedRunPolicy Latest runs the newest missed slot.';
const REMARKS: Record<CrontabFormat, string> = {
  user: CRON_REMARK,
  system: CRON_REMARK,
  anacron:
    'anacron starts a job once its period has passed and the machine is on. These jobs have a fixed time; missedRunPolicy Latest runs a missed slot as soon as the daemon is up.',
};

/** Reads a whole crontab. Never throws: a line that is no job becomes a note. */
export function importCrontab(content: string | Uint8Array, options: CrontabOptions = {}): CrontabImport {
  const { path, system, user, accounts = new Set(), platform = 'local' } = options;
  const { source = 'crontab', sharedSource = false, known = [], prefix = '' } = options;
  const lines = crontabLines(content).map((line) => line?.trim());
  const { format, note } = crontabFormat(lines, { path, system, accounts });
  const read = readJobLines(lines, {
    format,
    user,
    // With --no-system even root is a program.
    accounts: system === false ? new Set() : accounts,
    platform,
  });
  const { jobs, notes, orphans } = assignNames(read.jobs, { source, sharedSource, known, prefix });
  const about = (text: string | undefined): CrontabNote[] => (text === undefined ? [] : [{ text }]);
  return {
    jobs,
    notes: [
      ...about(note),
      ...[...read.notes, ...notes].sort((a, b) => a.line - b.line),
      ...about(jobs.length > 0 ? REMARKS[format] : undefined),
    ],
    leftOut: read.leftOut,
    orphans,
  };
}
