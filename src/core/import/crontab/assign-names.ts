// Gives each line its job: the job of an earlier import of the same line, or a new one under a free name. A job that
// another source made keeps its name and its definition.
import { toName } from '../../dns-label.ts';
import { API_VERSION, KIND } from '../../api-version.ts';
import type { JobManifest, JobSpecInput } from '../../job.ts';
import { IMPORTED_COMMAND_ANNOTATION, IMPORTED_FROM_ANNOTATION } from '../origin.ts';
import type { JobLine, LineNote } from './job-lines.ts';
import { splitWord } from './lines.ts';
import { BASE_NAME_MAX_LENGTH, uniqueName } from './job-name.ts';

export interface ImportedJob {
  /** From 1. */
  line: number;
  job: JobManifest;
}

/** A job of the platform. */
export interface KnownJob {
  name: string;
  annotations: Readonly<Record<string, string>>;
  /** Without defaults. */
  spec: JobSpecInput;
}

export interface NamingOptions {
  source: string;
  /** Several crontabs come under this source. */
  sharedSource: boolean;
  known: readonly KnownJob[];
  prefix: string;
}

/** Fields that a crontab says, even by leaving them out. An import keeps all others of a known job. */
const CRONTAB_FIELDS: ReadonlySet<keyof JobSpecInput> = new Set([
  'schedule',
  'schedules',
  'timeZone',
  'command',
  'args',
  'shell',
  'env',
  'workingDir',
  'jitterSeconds',
]);

/** Names the jobs of all lines. `orphans` are jobs of this crontab without a line. */
export function assignNames(
  lines: readonly JobLine[],
  { source, sharedSource, known, prefix }: NamingOptions,
): { jobs: ImportedJob[]; notes: LineNote[]; orphans: string[] } {
  const own = known.filter(({ annotations }) => annotations[IMPORTED_FROM_ANNOTATION] === source);
  const matches = matchByCommand(lines, own);
  if (!sharedSource) matchChangedCommands(matches, { lines, own, prefix });
  const orphans = sharedSource ? [] : own.filter((job) => !isTaken(matches, job)).map(({ name }) => name);
  const holders = new Map<string, string>(known.map(({ name }) => [name, holderText(name, orphans, own)]));
  const notes: LineNote[] = [];
  const jobs = lines.map((line) => {
    const match = matches.get(line);
    const name = match?.name ?? uniqueName(baseName(line, prefix), holders);
    if (match === undefined && name !== baseName(line, prefix)) {
      const base = baseName(line, prefix);
      notes.push({ line: line.line, text: `The job is named "${name}": "${base}" ${holders.get(base)}.` });
    }
    holders.set(name, `is the job of line ${line.line}`);
    return { line: line.line, job: manifestOf(line, { name, source, match }) };
  });
  return { jobs, notes, orphans };
}

function baseName({ name }: JobLine, prefix: string): string {
  return toName(`${prefix}${name}`, BASE_NAME_MAX_LENGTH) || name;
}

function holderText(name: string, orphans: readonly string[], own: readonly KnownJob[]): string {
  if (orphans.includes(name)) return 'belongs to a line that is gone, and is kept';
  if (own.some((job) => job.name === name)) return 'is the job of another line';
  return 'did not come from this crontab, and stays as it is';
}

type Matches = Map<JobLine, KnownJob>;

function isTaken(matches: Matches, job: KnownJob): boolean {
  return [...matches.values()].includes(job);
}

/** Matches each line with the job of an earlier import: of two jobs with its command, the job with its schedule. */
function matchByCommand(lines: readonly JobLine[], own: readonly KnownJob[]): Matches {
  const matches: Matches = new Map();
  const match = (accepts: (line: JobLine, job: KnownJob) => boolean): void => {
    for (const line of lines.filter((line) => !matches.has(line))) {
      const job = own.find((job) => !isTaken(matches, job) && accepts(line, job));
      if (job) matches.set(line, job);
    }
  };
  const sameCommand = ({ identity }: JobLine, { annotations }: KnownJob) =>
    annotations[IMPORTED_COMMAND_ANNOTATION] === identity;
  match((line, job) => sameCommand(line, job) && job.spec.schedule === line.spec.schedule);
  match(sameCommand);
  return matches;
}

/**
 * Matches a line whose command changed with the job of its name, if both are the only candidates left and the line
 * still has the schedule or the program of the job. A new line in the place of an old one is another job.
 */
function matchChangedCommands(
  matches: Matches,
  { lines, own, prefix }: { lines: readonly JobLine[]; own: readonly KnownJob[]; prefix: string },
): void {
  const unmatched = lines.filter((line) => !matches.has(line));
  for (const [name, [line, ...moreLines]] of Map.groupBy(unmatched, (line) => baseName(line, prefix))) {
    const [job, ...moreJobs] = own.filter(
      (job) => !isTaken(matches, job) && (job.name === name || isNumbered(job.name, name)),
    );
    const isOnly = moreLines.length + moreJobs.length === 0;
    if (line && job && isOnly && isSuccessor(line, job)) matches.set(line, job);
  }
}

function isSuccessor({ hasOwnName, spec }: JobLine, job: KnownJob): boolean {
  const programOf = ({ command = '' }: JobSpecInput) => splitWord(command).word;
  return hasOwnName || spec.schedule === job.spec.schedule || programOf(spec) === programOf(job.spec);
}

function isNumbered(name: string, base: string): boolean {
  return name.startsWith(`${base}-`) && /^\d+$/.test(name.slice(base.length + 1));
}

function manifestOf(
  { identity, spec }: JobLine,
  { name, source, match }: { name: string; source: string; match: KnownJob | undefined },
): JobManifest {
  const kept = Object.entries(match?.spec ?? {}).filter(
    ([field]) => !CRONTAB_FIELDS.has(field as keyof JobSpecInput),
  );
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: {
      name,
      annotations: { [IMPORTED_FROM_ANNOTATION]: source, [IMPORTED_COMMAND_ANNOTATION]: identity },
    },
    spec: { ...Object.fromEntries(kept), ...spec },
  };
}
