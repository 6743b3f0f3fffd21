// Gives each line its job: the job of an earlier import of the same line, or a new one under a free name. A job that
// another source made keeps its name and its definition.
import { toName } from '../../dns-label.ts';
import { API_VERSION, KIND } from '../../api-version.ts';
import type { JobManifest } from '../../job.ts';
import type { JobSpecInput } from '../../spec/job-spec.ts';
import { IMPORTED_COMMAND_ANNOTATION, IMPORTED_FROM_ANNOTATION } from '../origin.ts';
import type { JobLine, LineNote } from './job-lines.ts';
import { splitWord } from './lines.ts';
import { BASE_NAME_MAX_LENGTH, uniqueNames } from './job-name.ts';

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
  const matches = new Matches();
  matchCommands(matches, lines, own);
  if (!sharedSource) matchChangedCommands(matches, { lines, own, prefix });
  const orphans = sharedSource ? [] : own.filter((job) => !matches.isTaken(job)).map(({ name }) => name);
  const holders = holdersOf(known, { orphans, own });
  const notes: LineNote[] = [];
  const unique = uniqueNames(holders);
  const jobs = lines.map((line) => {
    const match = matches.jobOf(line);
    const base = baseName(line, prefix);
    const name = match?.name ?? unique(base);
    if (match === undefined && name !== base)
      notes.push({ line: line.line, text: `The job is named "${name}": "${base}" ${holders.get(base)}.` });
    holders.set(name, `is the job of line ${line.line}`);
    return { line: line.line, job: manifestOf(line, { name, source, match }) };
  });
  return { jobs, notes, orphans };
}

function baseName({ name }: JobLine, prefix: string): string {
  return toName(`${prefix}${name}`, BASE_NAME_MAX_LENGTH) || name;
}

/** Who has each name, as the end of a sentence. */
function holdersOf(
  known: readonly KnownJob[],
  { orphans, own }: { orphans: readonly string[]; own: readonly KnownJob[] },
): Map<string, string> {
  const holders = new Map<string, string>();
  for (const { name } of known) holders.set(name, 'did not come from this crontab, and stays as it is');
  for (const { name } of own) holders.set(name, 'is the job of another line');
  for (const name of orphans) holders.set(name, 'belongs to a line that is gone, and is kept');
  return holders;
}

/** Which known job each line is. */
class Matches {
  readonly #jobs = new Map<JobLine, KnownJob>();
  readonly #taken = new Set<KnownJob>();

  add(line: JobLine, job: KnownJob): void {
    this.#jobs.set(line, job);
    this.#taken.add(job);
  }

  jobOf(line: JobLine): KnownJob | undefined {
    return this.#jobs.get(line);
  }

  isTaken(job: KnownJob): boolean {
    return this.#taken.has(job);
  }
}

/** Matches each line with the job of an earlier import: of two jobs with its command, the job with its schedule. */
function matchCommands(matches: Matches, lines: readonly JobLine[], own: readonly KnownJob[]): void {
  const command = (text: string | undefined) => JSON.stringify(text);
  const commandOf = ({ annotations }: KnownJob) => annotations[IMPORTED_COMMAND_ANNOTATION];
  matchByKey(
    matches,
    { lines, own },
    {
      ofLine: ({ identity, spec }) => `${command(spec.schedule)} ${command(identity)}`,
      ofJob: (job) => `${command(job.spec.schedule)} ${command(commandOf(job))}`,
    },
  );
  matchByKey(
    matches,
    { lines, own },
    {
      ofLine: ({ identity }) => command(identity),
      ofJob: (job) => command(commandOf(job)),
    },
  );
}

/** Matches lines and jobs of the same key in their order. */
function matchByKey(
  matches: Matches,
  { lines, own }: { lines: readonly JobLine[]; own: readonly KnownJob[] },
  { ofLine, ofJob }: { ofLine: (line: JobLine) => string; ofJob: (job: KnownJob) => string },
): void {
  const free = own.filter((job) => !matches.isTaken(job));
  const left = new Map([...Map.groupBy(free, ofJob)].map(([key, jobs]) => [key, jobs.values()]));
  for (const line of lines) {
    if (matches.jobOf(line)) continue;
    const job = left.get(ofLine(line))?.next().value;
    if (job) matches.add(line, job);
  }
}

/**
 * Matches a line whose command changed with the job of its name, if both are the only candidates left and the line
 * still has the schedule or the program of the job. A new line in the place of an old one is another job.
 */
function matchChangedCommands(
  matches: Matches,
  { lines, own, prefix }: { lines: readonly JobLine[]; own: readonly KnownJob[]; prefix: string },
): void {
  const free = own.filter((job) => !matches.isTaken(job));
  const byName = Map.groupBy(free, ({ name }) => name);
  const numbered = Map.groupBy(
    free.filter(({ name }) => NUMBER.test(name)),
    ({ name }) => name.replace(NUMBER, ''),
  );
  const unmatched = lines.filter((line) => !matches.jobOf(line));
  for (const [name, [line, ...moreLines]] of Map.groupBy(unmatched, (line) => baseName(line, prefix))) {
    const candidates = [...(byName.get(name) ?? []), ...(numbered.get(name) ?? [])];
    const [job, ...moreJobs] = candidates.filter((candidate) => !matches.isTaken(candidate));
    const isOnly = moreLines.length + moreJobs.length === 0;
    if (line && job && isOnly && isSuccessor(line, job)) matches.add(line, job);
  }
}

/** What makes a name unique. */
const NUMBER = /-\d+$/;

function isSuccessor({ hasOwnName, spec }: JobLine, job: KnownJob): boolean {
  const programOf = ({ command = '' }: JobSpecInput) => splitWord(command).word;
  return hasOwnName || spec.schedule === job.spec.schedule || programOf(spec) === programOf(job.spec);
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
