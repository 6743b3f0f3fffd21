// Converts a crontab into jobs. A line or setting that a job cannot express becomes a note.
import { convertCommand } from './crontab/command.ts';
import { nameOfCommand, uniqueName } from './crontab/job-name.ts';
import { applySetting, newSettings, type Settings } from './crontab/settings.ts';
import { LshError } from '../errors.ts';
import { API_VERSION, KIND } from '../api-version.ts';
import type { JobManifest } from '../job.ts';
import { checkExpression } from '../schedule/schedule.ts';
import { parseManifest } from '../validate/validate.ts';

/** A remark about one line. */
export interface CrontabNote {
  /** From 1. */
  line: number;
  text: string;
}

export interface CrontabImport {
  jobs: JobManifest[];
  notes: CrontabNote[];
}

export interface CrontabOptions {
  /** The column behind the schedule names a user, as in /etc/crontab and /etc/cron.d. */
  system?: boolean;
  /** The user whose daemon will run the jobs. */
  user?: string | undefined;
}

interface Parser extends CrontabImport {
  options: CrontabOptions;
  line: number;
  comments: string[];
  settings: Settings;
  names: Set<string>;
}

const SETTING = /^([A-Za-z_]\w*|"[^"]*"|'[^']*')\s*=\s*(.*)$/;
const FIELDS = /^(@\S+|\S+(?:\s+\S+){4})\s+(\S.*)$/;
/** Drawings and column heads in the comments of system crontabs. */
const COLUMN_HEADS = /^[|.+=-]|^m\s+h\s+dom\b|^\*(\s+\*){4}\s.*\bcommand\b/;
/** Macros of other crons, and the expressions that replace them. */
const MACROS: Record<string, string> = { '@every_minute': '* * * * *', '@every_second': '* * * * * *' };

/** Reads a whole crontab. Never throws: a line that is no job becomes a note. */
export function parseCrontab(text: string, options: CrontabOptions = {}): CrontabImport {
  const parser: Parser = {
    jobs: [],
    notes: [],
    options,
    line: 0,
    comments: [],
    settings: newSettings(),
    names: new Set(),
  };
  for (const line of text.split(/\r?\n/)) {
    parser.line++;
    readLine(parser, line.trim());
  }
  return { jobs: parser.jobs, notes: parser.notes };
}

function note(parser: Parser, text: string): void {
  parser.notes.push({ line: parser.line, text });
}

function readLine(parser: Parser, line: string): void {
  if (line.startsWith('#')) {
    readComment(parser, line.replace(/^#+\s*/, ''));
    return;
  }
  const setting = SETTING.exec(line);
  if (setting) {
    const remark = applySetting(parser.settings, unquote(setting[1]!), unquote(setting[2]!));
    if (remark !== undefined) note(parser, remark);
  } else if (line !== '') {
    readLshJob(parser, line);
  }
  parser.comments = [];
}

function unquote(text: string): string {
  const quoted = /^"([^"]*)"$|^'([^']*)'$/.exec(text);
  return quoted?.[1] ?? quoted?.[2] ?? text;
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
  const [, expression = ''] = FIELDS.exec(text) ?? [];
  return /^[@*\d]/.test(expression) && expressionProblem(expression) === undefined;
}

function expressionProblem(expression: string): string | undefined {
  try {
    checkExpression(MACROS[expression] ?? expression);
    return undefined;
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    return error.message;
  }
}

function readLshJob(parser: Parser, line: string): void {
  // In some crons a leading minus keeps the job out of the system log.
  const [, expression, rest] = FIELDS.exec(line.replace(/^-(?=[*\d])/, '')) ?? [];
  if (expression === undefined || rest === undefined) {
    note(parser, 'Not a crontab line: five fields (or a macro) and a command are needed. It was left out.');
    return;
  }
  const problem = expressionProblem(expression);
  if (problem !== undefined) {
    note(parser, `${problem} The job was left out.`);
    return;
  }
  const command = parser.options.system ? stripUser(parser, rest) : rest;
  if (command !== undefined)
    addJob(parser, MACROS[expression] ?? expression.replaceAll(/\s+/g, ' '), command);
}

/** Removes the user column. */
function stripUser(parser: Parser, rest: string): string | undefined {
  const [, user, command] = /^(\S+)\s+(\S.*)$/.exec(rest) ?? [];
  if (user === undefined || command === undefined) {
    note(parser, 'A system crontab names a user before the command; this line has none. It was left out.');
    return undefined;
  }
  if (user !== parser.options.user) {
    note(parser, `cron runs this job as ${user}; lsh runs it as the user of its daemon.`);
  }
  return command;
}

function addJob(parser: Parser, schedule: string, written: string): void {
  const { settings, comments } = parser;
  const command = convertCommand(written);
  const description = comments.join(' ').slice(0, 1024);
  const name = uniqueName(nameOfCommand(command), parser.names);
  const job: JobManifest = {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name },
    spec: {
      schedule,
      command,
      ...structuredClone(settings.spec),
      ...(settings.env.size > 0 && { env: [...settings.env].map(([name, value]) => ({ name, value })) }),
      ...(description !== '' && { description }),
    },
  };
  try {
    parseManifest(job, 'local');
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    note(parser, `${error.message} The job was left out.`);
    return;
  }
  parser.names.add(name);
  parser.jobs.push(job);
}
