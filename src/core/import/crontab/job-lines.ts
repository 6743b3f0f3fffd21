// Reads the lines of a crontab in order: settings and comments apply to the jobs below them.
import { LshError } from '../../errors.ts';
import type { Platform } from '../../executor.ts';
import { API_VERSION, KIND } from '../../api-version.ts';
import type { JobSpecInput } from '../../spec/job-spec.ts';
import { checkExpression } from '../../schedule/schedule.ts';
import { parseManifest } from '../../validate/validate.ts';
import { splitAnacronLine } from './anacron.ts';
import { convertCommand } from './command.ts';
import type { CrontabFormat } from './format.ts';
import { settingOf, splitSchedule, splitWord } from './lines.ts';
import { convertSchedule, isScheduleField } from './schedule.ts';
import { applySetting, NO_SETTINGS, specOf, type Settings } from './settings.ts';

export interface LineNote {
  /** From 1. */
  line: number;
  text: string;
}

/** A line that is a job, before it has a unique name. */
export interface JobLine {
  /** From 1. */
  line: number;
  /** The part behind the schedule, which identifies the line across imports. */
  identity: string;
  /** The name that the line has or the command suggests. */
  name: string;
  /** The line itself names the job, as in an anacrontab. */
  hasOwnName: boolean;
  spec: JobSpecInput;
}

export interface JobLines {
  jobs: JobLine[];
  notes: LineNote[];
  /** Number of refused lines. */
  leftOut: number;
}

export interface LineOptions {
  format: CrontabFormat;
  user: string | undefined;
  accounts: ReadonlySet<string>;
  platform: Platform;
}

interface Parser extends JobLines {
  options: LineOptions;
  line: number;
  comments: string[];
  settings: Settings;
}

/** Drawings and column heads in the comments of system crontabs. */
const COLUMN_HEADS = /^[|.+=-]|^m\s+h\s+dom\b|^\*(\s+\*){4}\s.*\bcommand\b/;
const DESCRIPTION_MAX_LENGTH = 1024;

/** Reads trimmed lines; undefined stands for bytes that are not UTF-8. */
export function readJobLines(lines: readonly (string | undefined)[], options: LineOptions): JobLines {
  const parser: Parser = {
    options,
    line: 0,
    comments: [],
    settings: NO_SETTINGS,
    jobs: [],
    notes: [],
    leftOut: 0,
  };
  for (const line of lines) {
    parser.line++;
    readLine(parser, line);
  }
  const { jobs, notes, leftOut } = parser;
  return { jobs, notes, leftOut };
}

function note({ notes, line }: Parser, text: string): void {
  notes.push({ line, text });
}

function leaveOut(parser: Parser, reason: string, job?: string): void {
  parser.leftOut++;
  note(parser, `${reason} ${job === undefined ? 'The line' : `Job "${job}"`} was left out.`);
}

function readLine(parser: Parser, line: string | undefined): void {
  if (line?.startsWith('#')) return readComment(parser, line.replace(/^#+\s*/, ''));
  const setting = line === undefined ? undefined : settingOf(line);
  if (line === undefined) {
    leaveOut(parser, 'The line has bytes that are not UTF-8; convert the file, for example with iconv.');
  } else if (setting) {
    const { settings, note: remark, refused } = applySetting(parser.settings, setting);
    parser.settings = settings;
    if (remark !== undefined) note(parser, remark);
    if (refused) parser.leftOut++;
  } else if (line !== '') {
    readJob(parser, line);
  }
  parser.comments = [];
}

/** Keeps the comment lines right above a job as its description, without drawings and column heads. */
function readComment(parser: Parser, text: string): void {
  if (COLUMN_HEADS.test(text)) return;
  if (isJobLine(text)) {
    note(parser, 'A job that is commented out was left out.');
    parser.comments = [];
  } else if (text === '') {
    parser.comments = [];
  } else {
    parser.comments.push(text);
  }
}

function isJobLine(text: string): boolean {
  const { schedule = '' } = splitSchedule(text) ?? {};
  return /^[@*\d]/.test(schedule) && expressionProblem(convertSchedule(schedule).expression) === undefined;
}

function expressionProblem(expression: string): string | undefined {
  try {
    checkExpression(expression);
    return undefined;
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    return error.message;
  }
}

function readJob(parser: Parser, line: string): void {
  if (parser.options.format === 'anacron') return readAnacronJob(parser, line);
  const split = splitSchedule(line);
  if (split === undefined) {
    return leaveOut(parser, 'A crontab line needs five fields (or a macro) and a command.');
  }
  const command = commandOf(parser, split.rest);
  if (command === undefined) return;
  const { expression, notes } = convertSchedule(split.schedule);
  addJob(parser, { expression, command, identity: split.rest, notes });
}

function readAnacronJob(parser: Parser, line: string): void {
  const job = splitAnacronLine(line, parser.settings.startHour);
  if (job === undefined) {
    return leaveOut(parser, 'An anacrontab line needs a period, a delay, a name and a command.');
  }
  addJob(parser, job);
}

/** The command behind the user column. Undefined, with a note, where the line has too many fields or no command. */
function commandOf(parser: Parser, rest: string): string | undefined {
  const { format, user, accounts } = parser.options;
  const { word, rest: afterWord } = splitWord(rest);
  if (isScheduleField(word)) {
    leaveOut(
      parser,
      `"${word}" stands where the command begins and can only be a schedule field; cron takes five fields, minute first.`,
    );
    return undefined;
  }
  if (format === 'user') {
    if (accounts.has(word) && afterWord !== '') return accountOrProgram(parser, rest);
    return rest;
  }
  if (afterWord === '') {
    leaveOut(parser, 'A system crontab names a user before the command; this line has none.');
    return undefined;
  }
  if (isScheduleField(splitWord(afterWord).word)) {
    leaveOut(
      parser,
      `"${splitWord(afterWord).word}" stands where the command begins and can only be a schedule field.`,
    );
    return undefined;
  }
  if (word !== user) note(parser, `cron runs this job as ${word}; lsh runs it as the user of its daemon.`);
  return afterWord;
}

/** A user crontab whose command begins with the name of an account. No program is called root. */
function accountOrProgram(parser: Parser, rest: string): string | undefined {
  const { word, rest: afterWord } = splitWord(rest);
  if (word === 'root') {
    leaveOut(
      parser,
      '"root" is a user, and the other lines name none; import a system crontab with --system.',
    );
    return undefined;
  }
  if (/^[/.~$[({]/.test(afterWord)) {
    note(
      parser,
      `"${word}" is read as a program; it is an account too. Import a system crontab with --system.`,
    );
  }
  return rest;
}

interface ConvertedLine {
  expression: string;
  command: string;
  identity: string;
  /** Derived from the command where it is undefined. */
  name?: string;
  notes?: readonly string[];
}

function addJob(parser: Parser, line: ConvertedLine): void {
  const { settings, comments, options } = parser;
  const { shell, ...others } = specOf(settings);
  const { command, name, notes, ...converted } = convertCommand(line.command, shell);
  const problem = expressionProblem(line.expression);
  if (problem !== undefined) return leaveOut(parser, problem, line.name ?? name);
  const description = comments.join(' ').slice(0, DESCRIPTION_MAX_LENGTH);
  const spec: JobSpecInput = {
    schedule: line.expression,
    command,
    ...(converted.shell !== undefined && { shell: converted.shell }),
    ...others,
    ...(description !== '' && { description }),
  };
  const job = { apiVersion: API_VERSION, kind: KIND, metadata: { name: line.name ?? name }, spec };
  try {
    parseManifest(job, options.platform);
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    return leaveOut(parser, error.message, job.metadata.name);
  }
  for (const text of [...(line.notes ?? []), ...notes]) note(parser, text);
  parser.jobs.push({
    line: parser.line,
    identity: line.identity,
    name: job.metadata.name,
    hasOwnName: line.name !== undefined,
    spec,
  });
}
