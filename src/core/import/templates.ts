// Jobs that many people need, ready to be given their parameters. Parameters become variables of the job, so
// that no value is ever pasted into a command.
import { LshError } from '../errors.ts';
import { API_VERSION, KIND, type JobManifest, type JobSpecInput } from '../job.ts';

export interface TemplateParameter {
  /** Name as it is given, and, in capitals, of the variable in the command. */
  name: string;
  description: string;
  /** Without one the parameter must be given. */
  default?: string;
}

export interface Template {
  name: string;
  description: string;
  parameters: readonly TemplateParameter[];
  spec: JobSpecInput;
}

/** The templates there are, by what people call them. */
export const TEMPLATES: readonly Template[] = [
  {
    name: 'database-backup',
    description: 'Dump a PostgreSQL database to a dated file each night and delete old dumps.',
    parameters: [
      { name: 'database', description: 'Name or connection URI of the database.' },
      { name: 'directory', description: 'Where the dumps go; created if missing.' },
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
      { name: 'directory', description: 'Where the log files are.' },
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
    description: 'Fail, and say where, when a file system is nearly full.',
    parameters: [{ name: 'percent', description: 'From this much use on the run fails.', default: '90' }],
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
    description: 'Copy a directory with rsync each night, only what changed.',
    parameters: [
      { name: 'source', description: 'Directory to copy, local or host:path.' },
      { name: 'target', description: 'Where to, local or host:path.' },
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
];

/** The template as a job. Throws USAGE for a template or a parameter that does not exist, or one that is missing. */
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
  const env = environment(template, values);
  const spec = { description: template.description, ...structuredClone(template.spec), env };
  return { apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec };
}

function environment(
  { name, parameters }: Template,
  values: Readonly<Record<string, string>>,
): { name: string; value: string }[] {
  const known = parameters.map((parameter) => parameter.name);
  const complaints = [
    ...Object.keys(values)
      .filter((key) => !known.includes(key))
      .map((key) => `has no parameter ${key} (it has ${known.join(', ')})`),
    ...parameters
      .filter((parameter) => (values[parameter.name] ?? parameter.default ?? '') === '')
      .map((parameter) => `needs ${parameter.name}: ${parameter.description}`),
  ];
  if (complaints.length > 0) {
    throw new LshError('USAGE', { detail: `Template ${name} ${complaints.join(' It ')}` });
  }
  return parameters.map((parameter) => ({
    name: parameter.name.toUpperCase(),
    value: values[parameter.name] ?? parameter.default ?? '',
  }));
}
