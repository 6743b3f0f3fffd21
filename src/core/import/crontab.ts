// Real crontabs as jobs. What a crontab says and a job cannot say becomes a note: nothing is dropped silently.
import { readCommand } from './crontab/command.ts';
import { nameOfCommand, uniqueName } from './crontab/job-name.ts';
import { applySetting, newSettings, type Settings } from './crontab/settings.ts';
import { LshError } from '../errors.ts';
import { API_VERSION, KIND, type JobManifest } from '../job.ts';
import { checkExpression } from '../schedule/schedule.ts';
import { parseManifest } from '../validate/validate.ts';

/** Something about one line that the one who imports should know. */
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
  /** /etc/crontab and /etc/cron.d: the column behind the schedule names a user. */
  system?: boolean;
  /** The user whose daemon will run the jobs. */
  user?: string | undefined;
}

interface Reading extends CrontabImport {
  options: CrontabOptions;
  line: number;
  comments: string[];
  settings: Settings;
  names: Set<string>;
}

const SETTING = /^([A-Za-z_]\w*|"[^"]*"|'[^']*')\s*=\s*(.*)$/;
const FIELDS = /^(@\S+|\S+(?:\s+\S+){4})\s+(\S.*)$/;
/** The drawing and the column heads that systems put into their crontabs. */
const DRAWN = /^[|.+=-]|^m\s+h\s+dom\b|^\*(\s+\*){4}\s.*\bcommand\b/;
/** Macros of other crons, in ours. */
const MACROS: Record<string, string> = { '@every_minute': '* * * * *', '@every_second': '* * * * * *' };

/** Reads a whole crontab. Never throws: a line that cannot be carried over is a note. */
export function parseCrontab(text: string, options: CrontabOptions = {}): CrontabImport {
  const reading: Reading = {
    jobs: [],
    notes: [],
    options,
    line: 0,
    comments: [],
    settings: newSettings(),
    names: new Set(),
  };
  for (const line of text.split(/\r?\n/)) {
    reading.line++;
    readLine(reading, line.trim());
  }
  return { jobs: reading.jobs, notes: reading.notes };
}

function note(reading: Reading, text: string): void {
  reading.notes.push({ line: reading.line, text });
}

function readLine(reading: Reading, line: string): void {
  if (line.startsWith('#')) {
    readComment(reading, line.replace(/^#+\s*/, ''));
    return;
  }
  const setting = SETTING.exec(line);
  if (setting) {
    const said = applySetting(reading.settings, unquote(setting[1]!), unquote(setting[2]!));
    if (said !== undefined) note(reading, said);
  } else if (line !== '') {
    readLshJob(reading, line);
  }
  reading.comments = [];
}

function unquote(text: string): string {
  const quoted = /^"([^"]*)"$|^'([^']*)'$/.exec(text);
  return quoted?.[1] ?? quoted?.[2] ?? text;
}

/** The lines right above a job describe it; drawings and column heads do not. */
function readComment(reading: Reading, text: string): void {
  if (DRAWN.test(text)) return;
  if (isJobLine(text)) {
    note(reading, 'A job that is commented out was left out.');
    reading.comments = [];
  } else if (text === '') {
    reading.comments = [];
  } else {
    reading.comments.push(text);
  }
}

function isJobLine(text: string): boolean {
  const [, expression = ''] = FIELDS.exec(text) ?? [];
  return /^[@*\d]/.test(expression) && complaint(expression) === undefined;
}

function complaint(expression: string): string | undefined {
  try {
    checkExpression(MACROS[expression] ?? expression);
    return undefined;
  } catch (error) {
    if (!(error instanceof LshError)) throw error;
    return error.message;
  }
}

function readLshJob(reading: Reading, line: string): void {
  // A minus in front asks some crons to keep the job out of the system log.
  const [, expression, rest] = FIELDS.exec(line.replace(/^-(?=[*\d])/, '')) ?? [];
  if (expression === undefined || rest === undefined) {
    note(reading, 'Not a crontab line: five fields (or a macro) and a command are needed. It was left out.');
    return;
  }
  const wrong = complaint(expression);
  if (wrong !== undefined) {
    note(reading, `${wrong} The job was left out.`);
    return;
  }
  const command = reading.options.system ? readUser(reading, rest) : rest;
  if (command !== undefined)
    addJob(reading, MACROS[expression] ?? expression.replaceAll(/\s+/g, ' '), command);
}

/** Takes the user column off. */
function readUser(reading: Reading, rest: string): string | undefined {
  const [, user, command] = /^(\S+)\s+(\S.*)$/.exec(rest) ?? [];
  if (user === undefined || command === undefined) {
    note(reading, 'A system crontab names a user before the command; this line has none. It was left out.');
    return undefined;
  }
  if (user !== reading.options.user) {
    note(reading, `cron runs this job as ${user}; lsh runs it as the user of its daemon.`);
  }
  return command;
}

function addJob(reading: Reading, schedule: string, written: string): void {
  const { settings, comments } = reading;
  const command = readCommand(written);
  const description = comments.join(' ').slice(0, 1024);
  const name = uniqueName(nameOfCommand(command), reading.names);
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
    note(reading, `${error.message} The job was left out.`);
    return;
  }
  reading.names.add(name);
  reading.jobs.push(job);
}
