// Templates of common jobs. Parameters become variables of the job; a value stands in the command only if it is one.
import { LshError } from '../errors.ts';
import { API_VERSION, KIND } from '../api-version.ts';
import { shellQuote } from '../command-check/shell/shell-quote.ts';
import type { JobManifest } from '../job.ts';
import type { JobSpecInput } from '../spec/job-spec.ts';

export interface TemplateParameter {
  /** Name of the parameter; in capitals the variable in the command. */
  name: string;
  description: string;
  /** A parameter without a default is required. */
  default?: string;
  /** The value is a command. It stands in the job’s command in quotes, where the check of commands reads it. */
  isCommand?: true;
}

export interface Template {
  name: string;
  description: string;
  parameters: readonly TemplateParameter[];
  spec: JobSpecInput;
}

/** All templates. */
export const TEMPLATES: readonly Template[] = [
  {
    name: 'database-backup',
    description: 'Dump a PostgreSQL database to a dated file each night and delete old dumps.',
    parameters: [
      { name: 'database', description: 'Name or connection URI of the database.' },
      { name: 'directory', description: 'Directory of the dumps; created if missing.' },
      { name: 'days', description: 'Dumps older than this many days are deleted.', default: '14' },
    ],
    spec: {
      schedule: '0 2 * * *',
      command: [
        'set -eu',
        'umask 077',
        'mkdir -p "$DIRECTORY"',
        'file="$DIRECTORY/backup-$(date +%Y-%m-%dT%H%M%S).dump"',
        'pg_dump --format=custom --file="$file.part" --dbname="$DATABASE"',
        'mv "$file.part" "$file"',
        `find "$DIRECTORY" -name 'backup-*.dump' -mtime "+$DAYS" -print -delete`,
      ].join('\n'),
      tags: ['database', 'backup', 'daily'],
      priority: 8,
      retry: { limit: 3, initialSeconds: 60, maxSeconds: 600 },
      timeoutSeconds: 3600,
    },
  },
  {
    name: 'log-cleanup',
    description: 'Delete old log files once a week.',
    parameters: [
      { name: 'directory', description: 'Directory of the log files.' },
      { name: 'days', description: 'Files not changed for this many days are deleted.', default: '30' },
    ],
    spec: {
      schedule: '0 3 * * 0',
      command: `find "$DIRECTORY" -type f -name '*.log*' -mtime "+$DAYS" -print -delete`,
      tags: ['logs', 'cleanup', 'weekly'],
      priority: 3,
      retry: { limit: 2 },
      timeoutSeconds: 300,
    },
  },
  {
    name: 'disk-monitor',
    description: 'Fail when a file system is nearly full, and name it.',
    parameters: [
      { name: 'percent', description: 'The run fails from this use on, in percent.', default: '90' },
    ],
    spec: {
      schedule: '*/15 * * * *',
      command: `df -P | awk -v percent="$PERCENT" 'NR > 1 && $5 + 0 >= percent { print $6 " is " $5 " full"; full = 1 } END { exit full }'`,
      tags: ['monitoring', 'disk', 'alert'],
      priority: 7,
      timeoutSeconds: 60,
    },
  },
  {
    name: 'data-sync',
    description: 'Copy the changed files of a directory with rsync each night.',
    parameters: [
      { name: 'source', description: 'Directory to copy, local or host:path.' },
      { name: 'target', description: 'Target directory, local or host:path.' },
    ],
    spec: {
      schedule: '0 1 * * *',
      command: 'rsync --archive --partial --stats -- "$SOURCE" "$TARGET"',
      tags: ['sync', 'data', 'daily'],
      priority: 6,
      retry: { limit: 5, initialSeconds: 60, maxSeconds: 1800 },
      timeoutSeconds: 7200,
    },
  },
  {
    name: 'rotate-secrets',
    description: 'Look each night whether a secret is due for rotation, or its old value for retirement.',
    parameters: [
      { name: 'key', description: 'Name of the variable.' },
      { name: 'environment', description: 'Environment of lsh secrets, such as prod.' },
      { name: 'generate', description: 'Command that prints a new value.', isCommand: true },
      {
        name: 'verify',
        description: 'Command that succeeds if the new value in the variable works.',
        isCommand: true,
      },
      {
        name: 'retire',
        description: 'Command that revokes the value in KEY_PREVIOUS.',
        default: 'true',
        isCommand: true,
      },
      { name: 'overlap', description: 'How long the old value stays beside the new one.', default: '24h' },
      { name: 'every', description: 'Age at which the value is due.', default: '30d' },
    ],
    spec: {
      schedule: '0 2 * * *',
      command: [
        'lsh secrets rotate "$KEY" --env "$ENVIRONMENT"',
        '--generate "$GENERATE" --verify "$VERIFY" --retire "$RETIRE"',
        '--overlap "$OVERLAP" --every "$EVERY"',
      ].join(' '),
      tags: ['secrets', 'rotation', 'daily'],
      priority: 6,
      timeoutSeconds: 900,
    },
  },
];

/** Makes a job of the template. Throws USAGE for an unknown template, and for unknown or missing parameters. */
export function fromTemplate(
  templateName: string,
  values: Readonly<Record<string, string>>,
  name = templateName,
): JobManifest {
  const template = TEMPLATES.find((each) => each.name === templateName);
  if (!template) {
    const known = TEMPLATES.map((each) => each.name).join(', ');
    throw new LshError('USAGE', { detail: `There is no template ${templateName}; there are ${known}.` });
  }
  const given = valuesOf(template, values);
  const spec = { description: template.description, ...structuredClone(template.spec) };
  const env = [];
  for (const { name: parameter, isCommand } of template.parameters) {
    const variable = parameter.toUpperCase();
    const value = given.get(parameter)!;
    if (isCommand) spec.command = spec.command?.replace(`"$${variable}"`, () => shellQuote(value));
    else env.push({ name: variable, value });
  }
  return { apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec: { ...spec, env } };
}

/** The value of each parameter. */
function valuesOf(
  { name, parameters }: Template,
  values: Readonly<Record<string, string>>,
): Map<string, string> {
  const known = parameters.map((parameter) => parameter.name);
  const problems = [
    ...Object.keys(values)
      .filter((key) => !known.includes(key))
      .map((key) => `has no parameter ${key} (it has ${known.join(', ')})`),
    ...parameters
      .filter((parameter) => (values[parameter.name] ?? parameter.default ?? '') === '')
      .map((parameter) => `needs ${parameter.name}: ${parameter.description}`),
  ];
  if (problems.length > 0) {
    throw new LshError('USAGE', { detail: `Template ${name} ${problems.join(' It ')}` });
  }
  return new Map(parameters.map((each) => [each.name, values[each.name] ?? each.default ?? '']));
}
